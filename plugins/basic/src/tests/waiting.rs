//! Tests of waiting.
