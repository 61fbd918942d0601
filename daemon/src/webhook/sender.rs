use std::path::PathBuf;

use jiff::Timestamp;
use oam_fetch::{Client, WebUrl};
use ring::hmac;

use super::{Message, WebhookError};
use crate::{
    config::{WebhookConfig, WebhookFormat},
    secrets::SecretFile,
};

/// How short a secret may be: what people make up is guessed.
const SHORTEST_SECRET: usize = 16;

/// Sends messages to one receiver.
pub(super) struct Sender {
    url: WebUrl,
    client: Client,
    /// With which requests are signed: whatever lies there when one is.
    secret: Option<SecretFile>,
}

/// Nothing of the key, and nothing of an address that may be secret itself.
impl std::fmt::Debug for Sender {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sender(***)")
    }
}

impl Sender {
    pub(super) fn new(config: &WebhookConfig) -> Result<Self, WebhookError> {
        let name = || config.name.clone();
        let client = Client::new(config.network, config.ca.as_deref())
            .map_err(|source| WebhookError::Roots { name: name(), source })?;
        let open = |path: &PathBuf| {
            SecretFile::open(path, SHORTEST_SECRET).map_err(|why| WebhookError::Secret {
                name: name(),
                path: path.clone(),
                why,
            })
        };
        let secret = config.secret.as_ref().map(open).transpose()?;
        Ok(Self { url: config.url.clone(), client, secret })
    }

    /// Sends one; an answer other than 2xx is none.
    pub(super) async fn send(&self, message: &Message, format: WebhookFormat) -> Result<(), NotTold> {
        let body = match format {
            WebhookFormat::Generic => message.generic(),
            WebhookFormat::Slack => message.slack(),
        };
        let timestamp = Timestamp::now().as_second().to_string();
        let seq = message.seq.to_string();
        let mut headers = vec![("oam-entry", seq), ("oam-timestamp", timestamp.clone())];
        if let Some(secret) = &self.secret {
            let key = hmac::Key::new(hmac::HMAC_SHA256, secret.current().reveal().as_bytes());
            headers.push(("oam-signature", signature(&key, &timestamp, &body)));
        }
        let answer = self.client.post_json(&self.url, &headers, &body).await;
        let answer = answer.map_err(|error| NotTold::Yet(error.to_string()))?;
        if answer.status.is_success() {
            return Ok(());
        }
        let (seq, why) = (message.seq, format!("it answered {}", answer.status));
        Err(if is_about_the_message(answer.status.as_u16()) {
            NotTold::Refused { seq, why }
        } else {
            NotTold::Yet(why)
        })
    }
}

/// Why one was not told.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NotTold {
    /// It will be, when the receiver is well again.
    Yet(String),
    /// The receiver will have none of this one.
    Refused {
        /// Of which entry.
        seq: u64,
        /// What it answered.
        why: String,
    },
}

impl From<String> for NotTold {
    fn from(why: String) -> Self {
        Self::Yet(why)
    }
}

/// Whether an answer is a definite no to what was sent (RFC 9110, 15.5), and not to whoever sends, to the address, or for
/// now.
pub(super) fn is_about_the_message(status: u16) -> bool {
    let about_others = matches!(status, 401..=405 | 407 | 408 | 410 | 421 | 425 | 426 | 429);
    (400..500).contains(&status) && !about_others
}

/// `v1=` and the HMAC-SHA256 over the timestamp, a full stop and the body, in hexadecimal.
pub(super) fn signature(key: &hmac::Key, timestamp: &str, body: &str) -> String {
    let tag = hmac::sign(key, format!("{timestamp}.{body}").as_bytes());
    let digits: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("v1={digits}")
}
