//! The comparison of two policies, against brute force on small worlds, against git, and as people read it.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "tests may fail loudly"
)]

mod bounds;
mod brute;
mod circumstances;
#[path = "../common/mod.rs"]
mod common;
mod leased_paths;
mod messages;
mod offers;
mod rights;
mod tables;
mod weekly;
mod whole;
mod whole_world;
mod world;
