//! The example servers, with clients over real sockets: what their README files promise.

mod chat;
mod kv;
mod peer;
