//! Providers as data: each sentence about them, row by row.
