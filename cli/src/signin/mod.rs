//! Signing in at an OpenID provider, and keeping what it gave.
//!
//! **In:** what the daemon says of where one signs in; a person with a browser. **Out:** a [`Session`], kept in a file that
//! only its owner can read.
//!
//! - [`device`]: with a code that is typed in elsewhere (RFC 8628);
//! - [`browser`]: with a browser on this machine (RFC 7636 and RFC 8252);
//! - [`tokens`]: codes become tokens, and tokens new tokens;
//! - [`session`]: the file.

pub mod browser;
pub mod device;
mod error;
pub mod session;
pub mod tokens;

pub use error::SignInError;
pub use session::{Session, Sessions};

use oam_fetch::{Client, Network, WebUrl, openid::Provider};
use oam_proto::v1::SignInIssuer;

/// A provider where somebody signs in.
#[derive(Debug)]
pub struct Issuer {
    /// What the daemon says of it.
    pub said: SignInIssuer,
    /// What it says of itself.
    pub provider: Provider,
    /// The way there.
    pub client: Client,
}

impl Issuer {
    /// Asks the provider where everything is.
    ///
    /// # Errors
    /// When it is not reached.
    pub async fn find(said: SignInIssuer) -> Result<Self, SignInError> {
        let url: WebUrl = said.url.parse()?;
        // It may lie wherever this machine can go: the daemon, which is believed, named it.
        let network = if url.is_https() { Network::Private } else { Network::Loopback };
        let client = Client::new(network, None)?;
        let provider = Provider::discover(&client, &url).await?;
        Ok(Self { said, provider, client })
    }
}
