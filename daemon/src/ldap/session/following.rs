//! Taking whatever changes, from when everything is read until something ends the connection.

use jiff::Timestamp;
use oam_ldap::{Message, replica::Touched};
use tokio::time::{self, Instant, MissedTickBehavior};

use super::{PROBE, Session, changed};
use crate::ldap::{
    Ended, LdapError,
    connection::ANSWER,
    looked_up::{MANY, look_up, look_up_naming},
    mapped,
    notified::{Notified, most_with},
    probe::Probe,
    refresh::{Refresh, Told},
};

/// How the server tells of changes.
pub(super) enum Following {
    Refresh(Box<Refresh>),
    Notified(Notified),
}

impl Session<'_> {
    /// Takes whatever changes.
    pub(super) async fn follow(&mut self, mut following: Following) -> Result<Ended, LdapError> {
        let again = time::sleep(self.again());
        tokio::pin!(again);
        let mut probe = time::interval(PROBE);
        probe.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut asked = Probe::default();
        loop {
            tokio::select! {
                message = self.connection.receive() => {
                    let message = message?;
                    if asked.is_about(&message) {
                        // Of what was not taken it says nothing that its server is there.
                        if asked.take(&message) && !self.memory.is_held {
                            self.source.heard();
                        }
                        continue;
                    }
                    self.take(message, &mut following).await?;
                    asked.wait_from(Instant::now());
                }
                _ = probe.tick() => {
                    if changed(self.config) != self.files {
                        return Ok(Ended::Renewed);
                    }
                    if asked.is_silent(Instant::now()) {
                        return Err(LdapError::Silent(ANSWER));
                    }
                    if self.look_again().await? {
                        asked.wait_from(Instant::now());
                    }
                    if !asked.is_open() {
                        asked = Probe::begin(&mut self.connection).await?;
                    }
                }
                () = &mut again => return Ok(Ended::Again),
                () = self.source.feed().asked() => return Ok(Ended::Again),
            }
        }
    }

    /// Looks up the groups that hold the name of somebody who had it not: now, and again later.
    pub(super) async fn look_up_taken(&mut self, touched: &mut Touched) -> Result<(), LdapError> {
        let looked_up = self.look_up_naming(touched).await;
        // Also where everything is read again, since that may come as early.
        self.memory.late.note(&touched.taken, Instant::now());
        looked_up
    }

    async fn look_up_naming(&mut self, touched: &mut Touched) -> Result<(), LdapError> {
        if touched.taken.is_empty() {
            return Ok(());
        }
        // Where it fails everything is told anew.
        let cookies = std::mem::take(&mut self.memory.cookies);
        look_up_naming(&mut self.connection, self.config, &mut self.memory.replica, touched).await?;
        self.memory.cookies = cookies;
        Ok(())
    }

    /// Looks up again the groups whose time it is; tells whether there were any.
    async fn look_again(&mut self) -> Result<bool, LdapError> {
        let replica = &self.memory.replica;
        // So many names as may be looked up at once, and the others with the next tick.
        let taken = self.memory.late.due(Instant::now(), MANY, |dn| replica.naming(dn).count());
        if taken.is_empty() {
            return Ok(false);
        }
        let mut touched = Touched { taken, ..Touched::default() };
        self.look_up_naming(&mut touched).await?;
        if !touched.groups.is_empty() {
            self.take_changes(mapped::touched(&touched)).await?;
            self.source.feed().tell(|status| status.last_event = Some(Timestamp::now()));
            self.noted();
        }
        Ok(true)
    }

    async fn take(&mut self, message: Message, following: &mut Following) -> Result<(), LdapError> {
        let mut touched = Touched::default();
        let replica = &mut self.memory.replica;
        match following {
            Following::Refresh(refresh) => {
                let is_held = self.memory.is_held;
                let told = refresh.take(message, self.config, replica, &mut touched)?;
                self.look_up_taken(&mut touched).await?;
                if told == Told::Change {
                    self.take_changes(mapped::touched(&touched)).await?;
                }
                if !is_held {
                    refresh.note(&mut self.memory.cookies);
                }
                if told == Told::Nothing {
                    return Ok(());
                }
            }
            Following::Notified(notified) => {
                let ids = notified.take(message, &mut self.connection, self.config)?;
                if ids.is_empty() {
                    return Ok(());
                }
                let most = most_with(&ids);
                // Where it fails all is read again: told again, it would be no change to what is known by then.
                let domain = self.memory.domain.take();
                look_up(ids, most, &mut self.connection, self.config, replica, &mut touched).await?;
                let is_other = touched != Touched::default();
                if is_other {
                    self.take_changes(mapped::touched(&touched)).await?;
                }
                self.memory.domain = domain;
                if !is_other {
                    return Ok(());
                }
            }
        }
        self.source.feed().tell(|status| status.last_event = Some(Timestamp::now()));
        self.memory.keep_sometimes(self.source, self.config);
        self.noted();
        Ok(())
    }
}
