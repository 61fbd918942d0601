//! The search for drift that `oam bitbucket watch` does besides: at the hook by itself, since that needs neither a directory nor
//! permissions that can be read.

use std::time::Duration;

use oam_bitbucket::Bitbucket as Client;
use oam_fetch::WebUrl;
use tokio::time::Instant;

use super::{
    drift::{Around, NOT_LOOKED, tell_hooks},
    provision::Look,
};
use crate::{client::Admin, command::Context, failure::Failure};

/// What is looked for, and how often.
pub(super) struct Search<'a> {
    pub(super) every: Duration,
    pub(super) around: &'a Around,
    pub(super) url: &'a WebUrl,
}

/// When it was looked for last, to the end: what came to nothing is tried again in the next round.
#[derive(Debug, Default)]
pub(super) struct Looking {
    hooks: Option<Instant>,
    rest: Option<Instant>,
}

impl Looking {
    /// Whether it is time for any of it.
    pub(super) fn is_due(&self, search: &Search<'_>) -> bool {
        search.is_due(self.hooks) || search.is_due(self.rest)
    }

    /// Looks at what it is time for, and tells the daemon. `is_mended`: what is there is not as it was looked at.
    pub(super) async fn round(
        &mut self,
        search: &Search<'_>,
        (client, admin): (&Client, &mut Admin),
        (look, is_mended): (Look, bool),
        context: &mut Context,
    ) -> Result<(), Failure> {
        let of_hooks = self.at_hooks(search, (client, &mut *admin), context).await;
        let of_rest = self.at_rest(search, (client, admin), (look, is_mended), context).await;
        match (of_hooks, of_rest) {
            (Err(one), Err(other)) => {
                context.terminal.fail(&one);
                Err(other)
            }
            (one, other) => one.and(other),
        }
    }

    async fn at_hooks(
        &mut self,
        search: &Search<'_>,
        (client, admin): (&Client, &mut Admin),
        context: &mut Context,
    ) -> Result<(), Failure> {
        let begun = Instant::now();
        if !search.is_due(self.hooks) {
            return Ok(());
        }
        match search.around.hooks(client, search.url).await? {
            None => context.terminal.note(NOT_LOOKED),
            Some(hooks) => {
                let new = tell_hooks(admin, &hooks).await?.new;
                let found = hooks.found.len();
                context.terminal.note(&format!("{found} findings about the hook, {new} of them new"));
                if let Some(failure) = hooks.failed {
                    return Err(failure);
                }
            }
        }
        self.hooks = Some(begun);
        Ok(())
    }

    async fn at_rest(
        &mut self,
        search: &Search<'_>,
        (client, admin): (&Client, &mut Admin),
        (mut look, is_mended): (Look, bool),
        context: &mut Context,
    ) -> Result<(), Failure> {
        let begun = Instant::now();
        if !search.is_due(self.rest) {
            return Ok(());
        }
        // All of it would be read for nothing.
        if is_mended && look.basis.late.is_none() {
            look = Look::anew(client, admin, false).await?;
        }
        if let Some(why) = &look.basis.late {
            context.terminal.note(&format!("drift is not looked for: {why}"));
            return Ok(());
        }
        let found = search.around.look(client, &look).await?;
        // That may have taken longer than a token is good for.
        let mut admin = context.address.connect().await?;
        let new = search.around.tell(&mut admin, &found).await?.new;
        let found = found.len();
        context.terminal.note(&format!("{found} findings beside the policy, {new} of them new"));
        self.rest = Some(begun);
        Ok(())
    }
}

impl Search<'_> {
    fn is_due(&self, looked: Option<Instant>) -> bool {
        looked.is_none_or(|looked| looked.elapsed() >= self.every)
    }
}
