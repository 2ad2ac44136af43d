//! Tests of boundary.
