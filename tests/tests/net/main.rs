//! The bundle `net` in all languages: what each sentence of `docs/net.md` promises. Only loopback
//! addresses are used.

mod callbacks;
mod closing;
mod datagrams;
mod faults;
mod limits;
mod receiving;
mod secure;
mod sending;
mod stage;
mod words;
