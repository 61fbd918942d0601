//! What somebody can do who is refused, as a command to type.

use std::time::Duration;

use super::{roles, rounded};
use crate::{
    name::{RefName, Repository, RuleId},
    printable::Printable,
    reason::{Askable, Lifter},
};

/// How long the command proposes, where as much is allowed.
const PROPOSED: Duration = Duration::from_secs(60 * 60);

/// The roles that can be asked for.
pub(super) fn to_ask(ask: &[Askable], name: Option<&RefName>) -> Option<String> {
    let (first, others) = ask.split_first()?;
    let also: Vec<_> = others.iter().map(|one| one.role.clone()).collect();
    let also = if also.is_empty() { String::new() } else { format!(" The role {} would do.", roles(&also)) };
    Some(format!(
        "You may ask for it for up to {}{}: `oam grant request --role {} {}`.{also}",
        rounded(first.max_time),
        approved_by(&first.approved_by),
        first.role,
        place(&first.on, name, first.max_time),
    ))
}

/// How a job leases what it takes.
pub(super) fn to_lease(on: &Repository, name: Option<&RefName>) -> String {
    let refs = name.map(|name| format!(" --ref {}", word(name.as_bytes()))).unwrap_or_default();
    format!(
        "A job may lease it for minutes, and has no such lease now: `oam ci lease --repo {}{refs}` before it pushes.",
        word(on.as_str().as_bytes())
    )
}

/// Who can lift a rule.
pub(super) fn to_lift(rule: &RuleId, lifters: &[Lifter], name: Option<&RefName>) -> Option<String> {
    if let Some(yours) = lifters.iter().find(|lifter| lifter.is_yours) {
        return Some(format!(
            "In an emergency you may lift it for up to {}{}: `oam breakglass {rule} {}`.",
            rounded(yours.max_time),
            approved_by(&yours.approved_by),
            place(&yours.on, name, yours.max_time),
        ));
    }
    let first = lifters.first()?;
    Some(format!(
        "In an emergency somebody with the role {} may push it after `oam breakglass {rule} {}`.",
        roles(&first.to),
        place(&first.on, name, first.max_time),
    ))
}

fn approved_by(others: &[crate::name::RoleId]) -> String {
    if others.is_empty() {
        return String::new();
    }
    format!("; somebody else with the role {} must approve", roles(others))
}

fn place(on: &Repository, name: Option<&RefName>, max_time: Duration) -> String {
    let refs = name.map(|name| format!("--refs {} ", word(name.as_bytes()))).unwrap_or_default();
    let minutes = (PROPOSED.min(max_time).as_secs() / 60).max(1);
    format!("--on {} {refs}--for {minutes}m --reason '…'", word(on.as_str().as_bytes()))
}

/// One word of a shell.
fn word(text: &[u8]) -> String {
    let shown = Printable::new(text).to_string();
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/-_.+@:".contains(byte);
    if text.iter().all(plain) { shown } else { format!("'{}'", shown.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use super::word;

    #[test]
    fn nothing_in_a_name_is_meant_for_the_shell() {
        for (name, typed) in [
            ("refs/heads/main", "refs/heads/main"),
            ("refs/heads/$(reboot)", "'refs/heads/$(reboot)'"),
            ("refs/heads/it's", "'refs/heads/it'\\''s'"),
            ("refs/heads/a;b", "'refs/heads/a;b'"),
        ] {
            assert_eq!(word(name.as_bytes()), typed);
        }
    }
}
