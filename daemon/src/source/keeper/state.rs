use std::time::Duration;

use jiff::Timestamp;
use oam_policy::{UndecidedReason, decide::Freshness, words};

use crate::{
    config::{SourceKind, Upstream},
    source::{Source, SourceReport, Token, TokenError, TokenInfo, token},
};

impl Source {
    /// Whether it has said anything. One that we ask counts from the start: that it was not reached yet does not mean
    /// that it knows nobody.
    pub(super) fn is_in_use(&self) -> bool {
        let roster = self.roster();
        !self.retired && (self.has_spoken(&roster) || roster.lost || self.config.kind.is_followed())
    }

    /// How fresh it is.
    pub(super) fn freshness(&self) -> Freshness {
        let (roster, max_age) = (self.roster(), self.config.max_age);
        // Said at a time that nobody knows, it is as old as can be: too old only where an age is bounded.
        let whenever = || (max_age.is_none() && self.has_spoken(&roster)).then_some(Timestamp::UNIX_EPOCH);
        Freshness {
            source: self.name().as_str().into(),
            as_of: self.seen().or_else(whenever).filter(|_| !roster.lost),
            max_age,
            unheard: self.unheard(),
        }
    }

    /// Why nothing can be decided by it now, if that is so.
    pub(super) fn staleness(&self, now: Timestamp) -> Option<UndecidedReason> {
        if self.is_in_use() { self.freshness().staleness(now) } else { None }
    }

    /// What is known of it.
    pub fn report(&self) -> SourceReport {
        let now = Timestamp::now();
        let tokens = self.token_list();
        let roster = self.roster();
        let (users, groups) = roster.counts();
        SourceReport {
            name: self.name().clone(),
            kind: self.config.kind,
            retired: self.retired,
            seen: self.seen(),
            max_age: self.config.max_age,
            lost: roster.lost,
            users,
            groups,
            gone: roster.tombstone_count(),
            feed: self.config.kind.is_followed().then(|| self.feed.status()),
            unusable: roster.provisioned().map_or(0, crate::source::Provisioned::unusable_users),
            tokens,
            changes: self.changes.load(std::sync::atomic::Ordering::Relaxed),
            is_stale: {
                drop(roster);
                self.staleness(now).is_some()
            },
            owes: self.disk().owes(),
        }
    }

    /// Makes another token; a year long without `lifetime`.
    ///
    /// # Errors
    /// When two are live, or it cannot be stored.
    pub fn add_token(&self, by: &str, lifetime: Option<Duration>) -> Result<(Token, TokenInfo), TokenError> {
        self.tokens().add(by, lifetime.unwrap_or(token::LIFETIME), Timestamp::now())
    }

    /// The tokens, oldest first.
    pub fn token_list(&self) -> Vec<TokenInfo> {
        self.tokens().list()
    }

    /// Makes a token worthless.
    ///
    /// # Errors
    /// When there is none of that name, or that cannot be stored.
    pub fn revoke_token(&self, id: &str) -> Result<TokenInfo, TokenError> {
        self.tokens().revoke(id)
    }

    /// The name of the token that was shown, if it is one of this source and has not ended.
    pub fn accept(&self, token: &str) -> Option<String> {
        self.tokens().accept(token, Timestamp::now())
    }

    /// What somebody should look at, a sentence each.
    pub(super) fn warnings(&self, now: Timestamp) -> Vec<String> {
        let (name, report) = (self.name(), self.report());
        let mut warnings = Vec::new();
        if self.retired {
            if report.users > 0 {
                warnings.push(format!(
                    "The source `{name}` is not in the configuration any more: nobody has anything by it, and whom it \
                     deactivated stays so"
                ));
            }
            return warnings;
        }
        if report.lost {
            warnings.push(format!(
                "What the source `{name}` said is lost, and nothing that rests on it is decided: let it tell everything \
                 again, then `oam source sync {name} --complete`"
            ));
        } else if let Some(stale) = self.staleness(now) {
            warnings.push(words::of_undecided(&stale).summary);
        }
        if report.unusable > 0 {
            warnings.push(format!(
                "{} users of the source `{name}` have no Bitbucket username, or share one: `oam source status {name}`",
                report.unusable
            ));
        }
        if report.owes {
            warnings
                .push(format!("What the source `{name}` took away is in force, and could not be stored yet"));
        }
        if self.config.upstream.is_some() {
            warnings.extend(self.feed.warnings(name.as_str()));
        }
        if matches!(&self.config.upstream, Some(Upstream::Ldap(ldap)) if ldap.is_plaintext()) {
            warnings.push(format!(
                "The source `{name}` speaks to its server without TLS: passwords and people go in the clear, on this \
                 host alone"
            ));
        }
        if self.config.kind == SourceKind::Scim {
            warnings.extend(report.tokens.iter().filter_map(|token| ends_soon(name.as_str(), token, now)));
        }
        warnings
    }
}

fn ends_soon(name: &str, token: &TokenInfo, now: Timestamp) -> Option<String> {
    let (id, what) = (&token.id, token.ends_soon(now)?);
    Some(format!(
        "The token `{id}` of the source `{name}` {what}: `oam source token rotate {name}`, give the new one to the \
         identity provider, then `oam source token revoke {name} {id}`"
    ))
}
