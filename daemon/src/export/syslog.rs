//! Syslog over TLS (RFC 5425).
//!
//! The protocol has no answer: what was written may be lost on the way, with the collector's process or before it. So a
//! connection carries some messages and is ended; that the collector ends it as well, by TLS, says that it has read all
//! of them.

use std::io;

use oam_audit::entry::Entry;
use oam_fetch::Dialer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::config::SyslogConfirm;

/// A collector that speaks syslog.
#[derive(Debug)]
pub(super) struct Syslog {
    /// Its host.
    pub(super) host: Dialer,
    /// What says that it has read everything.
    pub(super) confirm: SyslogConfirm,
}

impl Syslog {
    /// Sends entries, each with the text that it is told by, and returns when the collector has read them.
    pub(super) async fn send(&self, told: impl Iterator<Item = (&Entry, String)>) -> Result<(), String> {
        let frames: Vec<u8> =
            told.flat_map(|(entry, text)| oam_export::syslog::framed(entry, &text)).collect();
        let mut stream = self.host.connect().await.map_err(|error| error.to_string())?;
        let broken = |error: io::Error| format!("the connection broke: {error}");
        stream.write_all(&frames).await.map_err(broken)?;
        stream.shutdown().await.map_err(broken)?;
        // It has nothing to say, and what it says anyhow is no answer.
        let mut said = [0; 512];
        loop {
            match stream.read(&mut said).await {
                Ok(0) => return Ok(()),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return self.ended(),
                Err(error) => return Err(broken(error)),
            }
        }
    }

    /// The connection is at its end, and TLS did not say so.
    fn ended(&self) -> Result<(), String> {
        match self.confirm {
            SyslogConfirm::Close => Ok(()),
            SyslogConfirm::CloseNotify => {
                Err("it ended the connection without saying by TLS that it has read everything; \
                                               where it never does, set `confirm = \"close\"`"
                    .into())
            }
        }
    }
}
