//! The gRPC services: thin. Each validates what came from outside, asks the part that knows, and translates back.

mod admin;
mod applied;
mod authorizer;
mod caller;
mod conversation;
mod denials;
mod identity;
pub mod listen;
mod live;
mod peer;
mod permits;
mod reported;
mod spooled;
mod to_the_end;
mod waiting;

pub use admin::AdminService;
pub use applied::Applied;
pub use authorizer::AuthorizerService;
pub use identity::IdentityService;
pub use live::Live;
pub use peer::Peer;
pub use permits::Permits;
pub use spooled::Spooled;
pub use to_the_end::ToTheEnd;
