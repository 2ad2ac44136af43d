//! Tests of fuzz.
