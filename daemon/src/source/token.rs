//! The tokens with which an identity provider proves that it is the source, or the transmitter of signals.
//!
//! Only their SHA-256 is kept. A slow hash would gain nothing: a token is 256 random bits, which nobody guesses however
//! fast they try, and it is compared on every request.

use std::{
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
    time::Duration,
};

use jiff::Timestamp;
use oam_policy::Digest;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::store::durable;

/// What a token is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Users and groups are pushed with it.
    Scim,
    /// Signals are pushed with it.
    Signals,
}

impl Kind {
    /// What a token begins with, so that people and scanners for secrets know what it is.
    const fn prefix(self) -> &'static str {
        match self {
            Self::Scim => "oamscim_",
            Self::Signals => "oamssf_",
        }
    }

    /// How many may be live at once: the one in use and the one that is to take its place; of a transmitter also one of which
    /// nobody knows whether it was taken.
    const fn most(self) -> usize {
        match self {
            Self::Scim => 2,
            Self::Signals => 3,
        }
    }
}

/// How long a token lives when nothing else is said.
pub(crate) const LIFETIME: Duration = Duration::from_secs(365 * 24 * 60 * 60);
/// How long before its end a token is warned of.
const ENDS_SOON: Duration = Duration::from_secs(14 * 24 * 60 * 60);
/// How long the last use may be out of date on disk.
const USE_IS_NOTED: Duration = Duration::from_secs(60 * 60);

/// A new token. Shown once, to whoever asked for it, and kept by nobody.
pub struct Token(String);

/// What is known of a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenInfo {
    /// The name that it is revoked by.
    pub id: String,
    /// Its SHA-256.
    digest: Digest,
    /// When it was made.
    pub created: Timestamp,
    /// By whom.
    pub created_by: String,
    /// When it ends.
    pub expires: Timestamp,
    /// When it was last used, to an hour.
    pub last_used: Option<Timestamp>,
}

/// Why the tokens stay as they are.
#[derive(Debug, Error)]
pub enum TokenError {
    /// As many are live as may be.
    #[error("two tokens are live already, `{0}` and `{1}`; revoke the one that is not in use")]
    TooMany(String, String),
    /// There is none of that name.
    #[error("there is no token `{0}`; `oam source token list` shows those that are")]
    Unknown(String),
    /// The system gives no random numbers.
    #[error("no random numbers can be had: {0}")]
    Random(getrandom::Error),
    /// They cannot be stored.
    #[error("the tokens cannot be stored: {0}")]
    Disk(#[from] io::Error),
}

/// The tokens of one source, or one transmitter.
#[derive(Debug)]
pub(crate) struct Tokens {
    file: PathBuf,
    kind: Kind,
    tokens: Vec<TokenInfo>,
}

impl Token {
    /// The token, to be shown to whoever asked for it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(***)")
    }
}

impl TokenInfo {
    /// That it ends, or has ended, as the end of a sentence; `None` while that is far off.
    pub(crate) fn ends_soon(&self, now: Timestamp) -> Option<String> {
        let left = Duration::try_from(self.expires.duration_since(now)).unwrap_or_default();
        match left.as_secs() / 86_400 {
            _ if left > ENDS_SOON => None,
            _ if left.is_zero() => Some("has ended".to_owned()),
            0 => Some("ends within a day".to_owned()),
            1 => Some("ends in 1 day".to_owned()),
            days => Some(format!("ends in {days} days")),
        }
    }
}

impl Tokens {
    /// Reads the tokens in `folder`.
    ///
    /// # Errors
    /// When they cannot be read. A file that is none of ours gives nobody access.
    pub(crate) fn open(folder: &Path, kind: Kind) -> io::Result<Self> {
        let file = folder.join("tokens");
        let tokens = match fs::read(&file) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| {
                let what = format!("`{}`: {error}; move it away, and make new tokens", file.display());
                io::Error::new(io::ErrorKind::InvalidData, what)
            })?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        Ok(Self { file, kind, tokens })
    }

    /// The tokens, oldest first.
    pub(crate) fn list(&self) -> Vec<TokenInfo> {
        self.tokens.clone()
    }

    /// Makes another token; those that have ended make room.
    ///
    /// # Errors
    /// When as many are live as may be, or it cannot be stored.
    pub(crate) fn add(
        &mut self,
        by: &str,
        lifetime: Duration,
        now: Timestamp,
    ) -> Result<(Token, TokenInfo), TokenError> {
        let mut next: Vec<_> = self.tokens.iter().filter(|token| token.expires > now).cloned().collect();
        if let [first, second, ..] = next.as_slice()
            && next.len() >= self.kind.most()
        {
            return Err(TokenError::TooMany(first.id.clone(), second.id.clone()));
        }
        let mut random = [0_u8; 32];
        getrandom::fill(&mut random).map_err(TokenError::Random)?;
        let token = Token(format!("{}{}", self.kind.prefix(), hex::encode(random)));
        let digest = Digest::of(token.0.as_bytes());
        let id = digest.to_string().chars().take(8).collect();
        let created_by = by.to_owned();
        let expires = now.saturating_add(lifetime).unwrap_or(Timestamp::MAX);
        let info = TokenInfo { id, digest, created: now, created_by, expires, last_used: None };
        next.push(info.clone());
        self.store(next)?;
        Ok((token, info))
    }

    /// Makes a token worthless.
    ///
    /// # Errors
    /// When there is none of that name, or that cannot be stored; it is worthless all the same until the next start.
    pub(crate) fn revoke(&mut self, id: &str) -> Result<TokenInfo, TokenError> {
        let position = self.tokens.iter().position(|token| token.id == id);
        let position = position.ok_or_else(|| TokenError::Unknown(id.to_owned()))?;
        let revoked = self.tokens.remove(position);
        self.store(self.tokens.clone())?;
        Ok(revoked)
    }

    /// The name of the token that was shown, if it is one of these and has not ended. Every token is compared, and each
    /// in the same time whatever it is: only digests meet here, of which nobody can choose a beginning.
    pub(crate) fn accept(&mut self, shown: &str, now: Timestamp) -> Option<String> {
        let digest = Digest::of(shown.as_bytes());
        let mut accepted = None;
        for (position, token) in self.tokens.iter().enumerate() {
            if is_same(&token.digest, &digest) && token.expires > now {
                accepted = Some(position);
            }
        }
        let token = self.tokens.get_mut(accepted?)?;
        let id = token.id.clone();
        let noted = token.last_used.is_some_and(|last| {
            Duration::try_from(now.duration_since(last)).is_ok_and(|since| since < USE_IS_NOTED)
        });
        if !noted {
            token.last_used = Some(now);
            // When it was last used is for people; that it could not be noted is no reason to refuse it.
            if let Err(error) = self.store(self.tokens.clone()) {
                tracing::warn!(%error, "the last use of a token could not be noted");
            }
        }
        Some(id)
    }

    fn store(&mut self, next: Vec<TokenInfo>) -> io::Result<()> {
        let draft = self.file.with_extension("draft");
        let mut file = durable::create(&draft)?;
        file.write_all(&serde_json::to_vec_pretty(&next).map_err(io::Error::other)?)?;
        file.sync_all()?;
        fs::rename(&draft, &self.file)?;
        durable::sync_parent(&self.file)?;
        self.tokens = next;
        Ok(())
    }
}

/// Compares in a time that does not depend on where two digests differ.
fn is_same(one: &Digest, other: &Digest) -> bool {
    let pairs = one.as_bytes().iter().zip(other.as_bytes());
    std::hint::black_box(pairs.fold(0_u8, |different, (one, other)| different | (one ^ other))) == 0
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;

    use super::{Kind, TokenError, Tokens};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + second).unwrap()
    }

    #[test]
    fn two_live_at_once_and_none_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let mut tokens = Tokens::open(folder.path(), Kind::Scim).unwrap();
        let day = Duration::from_secs(86_400);
        let (first, first_info) = tokens.add("uid 0", day, at(0)).unwrap();
        let (second, _) = tokens.add("uid 0", 2 * day, at(1)).unwrap();
        assert!(matches!(tokens.add("uid 0", day, at(2)), Err(TokenError::TooMany(..))));
        let mut again = Tokens::open(folder.path(), Kind::Scim).unwrap();
        for token in [&first, &second] {
            assert!(again.accept(token.reveal(), at(3)).is_some());
            let stored = std::fs::read_to_string(folder.path().join("tokens")).unwrap();
            let secret = token.reveal().strip_prefix(Kind::Scim.prefix()).unwrap();
            assert!(!stored.contains(secret) && !format!("{token:?}").contains(secret));
        }
        assert_eq!(again.accept(first.reveal().trim_start_matches('o'), at(3)), None);
        assert_eq!(again.accept("", at(3)), None);
        assert_eq!(again.accept(first.reveal(), at(86_400)), None, "it has ended");
        assert_eq!(Tokens::open(folder.path(), Kind::Scim).unwrap().list()[0].last_used, Some(at(3)));
        // One that has ended makes room.
        again.add("uid 0", day, at(90_000)).unwrap();
        again.revoke(&again.list()[0].id.clone()).unwrap();
        assert_eq!(
            Tokens::open(folder.path(), Kind::Scim).unwrap().accept(second.reveal(), at(90_001)),
            None
        );
        assert!(matches!(again.revoke(&first_info.id), Err(TokenError::Unknown(_))));
    }

    #[test]
    fn a_file_that_is_none_gives_nobody_access() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("tokens"), "[{}]").unwrap();
        assert!(Tokens::open(folder.path(), Kind::Scim).is_err());
    }
}
