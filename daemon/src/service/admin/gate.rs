//! The one way to what the admin service works on. Whoever wants it names the call, and every call has a class: one
//! that is added cannot be let through by oversight.

use std::sync::Arc;

use oam_policy::Username;
use tonic::{Request, Status};

use crate::{
    access::{Call, Caller, Class, Held},
    privilege::Person,
    service::{Live, caller, denials::Denials},
};

/// Lets in whoever may, and records whoever may not.
#[derive(Debug, Clone)]
pub(super) struct Gate {
    live: Arc<Live>,
}

/// A call that was let in.
#[derive(Debug)]
pub(super) struct Admitted {
    /// Everything that the services share.
    pub(super) live: Arc<Live>,
    /// Who calls, as the audit log names them.
    pub(super) actor: String,
    /// Who they are in the directory, as far as anybody can tell.
    pub(super) username: Option<Username>,
    /// Whether they may cut people off.
    pub(super) operates: bool,
    /// Whether they may see what is in force, whomever it is about.
    pub(super) looks: bool,
    /// Who calls.
    pub(super) caller: Caller,
}

impl Admitted {
    /// Who speaks for themselves: nobody asks or answers for another.
    pub(super) fn person(self) -> Result<(Arc<Live>, Person), Status> {
        let Self { live, actor, username, .. } = self;
        match username {
            Some(username) => Ok((live, Person { username, actor })),
            None => Err(Status::permission_denied(format!(
                "nobody can tell who `{actor}` is in the directory, and nobody asks or answers for another: sign in with `oam \
                 login`, or be named in `admin.people` of the daemon's configuration"
            ))),
        }
    }
}

impl Gate {
    pub(super) fn new(live: Arc<Live>) -> Self {
        Self { live }
    }

    /// Lets a call in, when the caller may make it.
    pub(super) async fn admit<T>(&self, request: &Request<T>, call: Call) -> Result<Admitted, Status> {
        self.admit_about(request, call, None).await
    }

    /// Lets a call in that is about somebody: everybody may make it about themselves.
    pub(super) async fn admit_about<T>(
        &self,
        request: &Request<T>,
        call: Call,
        about: Option<&str>,
    ) -> Result<Admitted, Status> {
        let caller = caller::of(request, &self.live).await?;
        let held = caller::held(&caller, &self.live);
        if held.roles.iter().any(|role| call.class().takes(*role)) || is_own(call, &held, about) {
            let may = |class: Class| held.roles.iter().any(|role| class.takes(*role));
            return Ok(Admitted {
                live: Arc::clone(&self.live),
                actor: caller.to_string(),
                operates: may(Class::Operate),
                looks: may(Class::Look),
                username: held.username.filter(|_| held.bar.is_none()),
                caller,
            });
        }
        self.deny(&caller, &held, call).await
    }

    async fn deny(&self, caller: &Caller, held: &Held, call: Call) -> Result<Admitted, Status> {
        let actor = caller.to_string();
        // Denied whether or not it can be recorded.
        Denials::record(&self.live, &actor, call).await;
        Err(Status::permission_denied(why(caller, held, call, &actor)))
    }
}

/// Whether somebody who was let in would be let in now, for what goes on for long.
pub(super) fn check(live: &Live, caller: &Caller, call: Call) -> Result<(), Status> {
    let held = caller::held(caller, live);
    if held.roles.iter().any(|role| call.class().takes(*role)) {
        return Ok(());
    }
    Err(Status::permission_denied(why(caller, &held, call, &caller.to_string())))
}

fn is_own(call: Call, held: &Held, about: Option<&str>) -> bool {
    let about = about.and_then(|name| Username::parse(name).ok());
    if call.class().takes_people() {
        return held.username.is_some() && held.bar.is_none();
    }
    match (call.class(), &held.username, about) {
        (Class::LookOrOwn, Some(caller), Some(about)) => caller.key() == about.key(),
        _ => false,
    }
}

/// What the caller is told: why not, and who could change that.
fn why(caller: &Caller, held: &Held, call: Call, actor: &str) -> String {
    if held.roles.is_empty()
        && let Caller::Host { .. } = caller
    {
        return format!(
            "{actor} may not administer: name the user in `admin.uids` of the daemon's configuration"
        );
    }
    let mut text = match (&held.bar, held.roles.is_empty()) {
        (Some(bar), _) => format!("`{actor}` may not administer: {bar}."),
        (None, true) => format!("`{actor}` holds no role of the admin service."),
        (None, false) => {
            let roles: Vec<_> = held.roles.iter().map(|role| format!("`{role}`")).collect();
            format!("`{actor}` holds {}, which does not allow `{}`.", roles.join(" and "), call.as_str())
        }
    };
    for doubt in &held.doubts {
        text.push(' ');
        text.push_str(doubt.trim_end_matches('.'));
        text.push('.');
    }
    text
}
