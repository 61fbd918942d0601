//! Branch restrictions hold: for pushes, and for what is done in the browser, whether hook scripts run or not. What they say is
//! said by `oam_bitbucket::model`; where the documentation leaves it open they refuse, so that a mirror which goes too far is seen.

use oam_bitbucket::{
    BranchModel, Matcher, MatcherKind, Restriction,
    model::{Answer, Change, at_ref},
};
use oam_policy::Verb;

use super::{
    Shared, company,
    hooks::{Change as Asked, Veto},
    state::State,
};
use crate::{bitbucket::ZERO, http::Request};

/// What Bitbucket calls what says no.
const NAME: &str = "Branch permissions";

/// The variable with what they say of a push, for git's own hook: pushes to one repository come at once.
pub(super) const SAID: &str = "RESTRICTIONS_SAY";

/// One ref as it is to be changed.
struct Update {
    old: String,
    new: String,
    name: String,
}

impl Update {
    /// A line as hooks read it: the old and the new id, and the full name.
    fn read(line: &str) -> Option<Self> {
        let mut words = line.split(' ').map(str::to_owned);
        Some(Self { old: words.next()?, new: words.next()?, name: words.next()? })
    }

    /// What is done; whether an update is one by force nobody has looked.
    fn verb(&self) -> Verb {
        match (self.old.as_str(), self.new.as_str()) {
            (ZERO, _) => Verb::Create,
            (_, ZERO) => Verb::Delete,
            _ => Verb::Update,
        }
    }
}

/// The restriction that is in the way of a change in the browser, or of a merge.
pub(super) fn veto(shared: &Shared, asked: &Asked<'_>) -> Option<Veto> {
    let state = shared.state();
    let merged = ["pull-request-merge", "merge"].contains(&asked.trigger);
    let restricted = |name: &str, verb| {
        let said = refusal(&state, asked.user, (asked.key, asked.slug), name, Change { verb, merged });
        said.map(|output| Veto { script: NAME.to_owned(), output })
    };
    // Where it is only asked whether a merge could be made there are no lines.
    let target =
        asked.more.iter().find(|(variable, _)| variable == "BB_TO_REF").filter(|_| asked.lines.is_empty());
    let page = target.and_then(|(_, short)| restricted(&format!("refs/heads/{short}"), Verb::Update));
    page.or_else(|| {
        asked
            .lines
            .lines()
            .filter_map(Update::read)
            .find_map(|update| restricted(&update.name, update.verb()))
    })
}

/// What a push is told, as lines of a shell script: whether one goes over what is there is known once its objects are.
pub(super) fn of_push(shared: &Shared, user: &str, of: (&str, &str), request: &Request) -> String {
    let state = shared.state();
    let said = |name: &str, verb| refusal(&state, user, of, name, Change { verb, merged: false });
    let mut text = String::new();
    for update in commands(&request.body) {
        let Update { old, new, name } = &update;
        let refused = |what: &str| format!("{{ echo \"{what}\" >&2; exit 1; }}\n");
        if let Some(what) = said(name, update.verb()) {
            text.push_str(&refused(&what));
        } else if update.verb() == Verb::Update
            && let Some(what) = said(name, Verb::Force)
        {
            text.push_str(&format!("git merge-base --is-ancestor {old} {new} || {}", refused(&what)));
        }
    }
    text
}

/// The refs that a push is to change: what stands before its pack (`gitprotocol-pack`).
fn commands(body: &[u8]) -> Vec<Update> {
    let (mut all, mut rest) = (Vec::new(), body);
    while let Some((length, after)) = rest.split_at_checked(4) {
        let length =
            std::str::from_utf8(length).ok().and_then(|length| usize::from_str_radix(length, 16).ok());
        let Some((line, after)) = length.and_then(|all| after.split_at_checked(all.checked_sub(4)?)) else {
            break;
        };
        let line = String::from_utf8_lossy(line);
        let line = line.split('\0').next().unwrap_or_default().trim_end();
        // A name may hold anything but what git forbids in names; here nothing that a shell would read otherwise.
        assert!(!line.contains(['"', '$', '`', '\\']), "a name for a shell script: {line}");
        all.extend(Update::read(line));
        rest = after;
    }
    all
}

/// What Bitbucket says to a change that a restriction forbids. It names none of them.
fn refusal(
    state: &State,
    user: &str,
    (key, slug): (&str, &str),
    name: &str,
    change: Change,
) -> Option<String> {
    let place = format!("{key}/{slug}");
    let here = state.company.restrictions.iter().filter(|one| one.place == key || one.place == place);
    let all: Vec<_> = here.map(typed).collect();
    let model = state.company.models.get(&place).map(model);
    let is_exempt = |one: &Restriction| {
        one.users.iter().any(|exempt| exempt == user)
            || one
                .groups
                .iter()
                .any(|group| state.company.groups.get(group).is_some_and(|members| members.contains(user)))
    };
    let here = at_ref(&all, model.as_ref(), name);
    let forbids_direct = here.restrictions().any(|one| one.kind == "pull-request-only");
    let is_refused = here.decide(change, is_exempt) != Answer::Permitted;
    is_refused.then(|| match forbids_direct && !change.merged {
        true => format!("Branch {name} can only be modified through pull requests."),
        false => format!("You are not permitted to {change} {name}."),
    })
}

fn typed(one: &company::Restriction) -> Restriction {
    let kind = MatcherKind::KNOWN.into_iter().find(|known| known.as_str() == one.matcher);
    let kind = kind.unwrap_or(MatcherKind::Other(one.matcher.clone()));
    let matcher = Matcher { kind, id: one.on.clone(), shown: one.on.clone() };
    let (kind, users, groups) = (one.kind.clone(), one.users.clone(), one.groups.clone());
    // Whoever pushes here is a user, and never a key.
    Restriction { id: one.id, kind, matcher, users, groups, access_keys: Vec::new() }
}

fn model(one: &company::Model) -> BranchModel {
    BranchModel {
        development: one.development.clone(),
        production: one.production.clone(),
        prefixes: one.categories.iter().cloned().collect(),
    }
}
