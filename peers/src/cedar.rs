//! The rules as Cedar policies, and a push as Cedar requests.
//!
//! | ours | Cedar's |
//! |---|---|
//! | group, user | `Group`, and `User` with its groups as parents |
//! | repository `PAY/api` | `Repository::"pay/api"` in `Project::"pay"` |
//! | verb | action |
//! | ref name | `context.ref`, and its segments as a record, since Cedar cannot cut a text |
//! | time | `context.now`, in seconds |
//! | role | what it says, wherever a rule names it: Cedar has no conjunction of parents |
//! | grant | `permit` |
//! | block with `except` | `forbid … unless` |
//! | require `via = "pull-request"` | `forbid` where `context.pull_request` is false |
//! | deactivated, cut off, unknown | a `forbid` over everything |

mod pattern;

use std::{
    collections::{HashMap, HashSet},
    str::FromStr,
};

use cedar_policy::{
    Authorizer, Context, Entities, Entity, EntityId, EntityTypeName, EntityUid, Policy, PolicyId, PolicySet,
    Request, Response, RestrictedExpression,
};
use jiff::Timestamp;
use oam_policy::Channel;

use crate::model::{Kind, Person, Push, Role, Rule, Rules, Update, folded};

/// The id of the policy that bars whoever may not act at all.
pub const BAR: &str = "bar";

/// The ids of the policies that stand for the blocks that are part of the product.
pub const BUILT_IN: [&str; 2] = ["oam:canary", "oam:replace-refs"];

/// The policies that say what the rules say.
pub fn policies(rules: &Rules) -> PolicySet {
    let bar = "forbid (principal, action, resource) unless { principal has active && principal.active };";
    let canary = r#"forbid (principal, action in [Action::"create", Action::"update", Action::"force"], resource)
        when { context.ref like "refs/heads/oam-canary/*" };"#;
    let replacing = r#"forbid (principal, action, resource) when { context.ref like "refs/replace/*" };"#;
    let [kept, replaced] = BUILT_IN;
    let fixed = [(BAR, bar), (kept, canary), (replaced, replacing)].map(|(id, text)| (id, text.to_owned()));
    let written = rules.enforced().map(|rule| (rule.id.as_str(), policy(rules, rule)));
    let parse = |(id, text): (&str, String)| {
        Policy::parse(Some(PolicyId::new(id)), &text).unwrap_or_else(|error| panic!("{error:?}\n{text}"))
    };
    PolicySet::from_policies(fixed.into_iter().chain(written).map(parse)).unwrap()
}

/// One rule. What can stand in the scope stands there, since that is what Cedar looks at first.
fn policy(rules: &Rules, rule: &Rule) -> String {
    let verbs: Vec<_> = rule.verbs.iter().map(|verb| format!("Action::{verb:?}")).collect();
    let action = format!("action in [{}]", verbs.join(", "));
    let (resource, on) = match pattern::scope(&rule.on) {
        Some(scope) => (scope, None),
        None => ("resource".into(), Some(pattern::repositories(&rule.on))),
    };
    let mut conditions = Vec::new();
    conditions.extend(on);
    conditions.push(pattern::refs(&rule.refs));
    conditions.extend(rule.from.map(|from| format!("context.now >= {}", from.as_second())));
    conditions.extend(rule.to.map(|to| format!("context.now < {}", to.as_second())));
    let holds = receivers(rules, rule);
    match rule.kind {
        Kind::Grant => {
            let (principal, who) = match only_group(rules, rule) {
                Some(group) => (format!("principal in {}", group_uid(group)), None),
                None => ("principal".into(), Some(holds)),
            };
            conditions.splice(0..0, who);
            format!("permit ({principal}, {action}, {resource}) when {{ {} }};", conditions.join(" && "))
        }
        Kind::Block | Kind::Require => {
            if rule.kind == Kind::Require {
                conditions.push("!context.pull_request".into());
            }
            let conditions = conditions.join(" && ");
            format!("forbid (principal, {action}, {resource}) when {{ {conditions} }} unless {{ {holds} }};")
        }
    }
}

/// Whom a grant is to, or whom another rule excepts.
fn receivers(rules: &Rules, rule: &Rule) -> String {
    let roles = rules.named(&rule.roles).map(role);
    let user = rule.user.iter().map(|user| format!("principal == {}", user_uid(user)));
    pattern::any_of(roles.chain(user))
}

/// The group that a grant comes down to, when that is all it says of people.
fn only_group<'a>(rules: &'a Rules, rule: &'a Rule) -> Option<&'a str> {
    let mut roles = rules.named(&rule.roles);
    match (roles.next(), roles.next(), &rule.user) {
        (Some(Role { any, all, service, .. }), None, None) if service.is_empty() => {
            match (any.as_slice(), all.as_slice()) {
                ([group], []) | ([], [group]) => Some(group),
                _ => None,
            }
        }
        _ => None,
    }
}

fn role(role: &Role) -> String {
    let any: Vec<_> = role.any.iter().map(|group| group_uid(group).to_string()).collect();
    let any = (!any.is_empty()).then(|| format!("principal in [{}]", any.join(", ")));
    let all = role.all.iter().map(|group| format!("principal in {}", group_uid(group)));
    let groups: Vec<_> = any.into_iter().chain(all).collect();
    let by_group = (!groups.is_empty()).then(|| format!("({})", groups.join(" && ")));
    let by_name = role.service.iter().map(|name| format!("principal == {}", user_uid(name)));
    pattern::any_of(by_group.into_iter().chain(by_name))
}

/// What Cedar is told of the world for one push: the pusher with their groups, and the repository with its project.
/// `pusher` is what the directory knows; a service principal needs no directory, and is known by being named.
pub fn slice(rules: &Rules, push: &Push, pusher: Option<&Person>) -> Entities {
    let (project, _) =
        folded(&push.repository).split_once('/').map(|(p, s)| (p.to_owned(), s.to_owned())).unwrap();
    let project = uid("Project", &project);
    let key = RestrictedExpression::new_string(folded(&push.repository));
    let repository = uid("Repository", &folded(&push.repository));
    let repository = Entity::new(repository, HashMap::from([("key".into(), key)]), HashSet::from([project]));
    let is_pusher = |name: &String| folded(name) == folded(&push.pusher);
    let service = rules.roles.iter().any(|role| role.service.iter().any(is_pusher));
    let user = match pusher {
        Some(person) => Some(user(&person.username, person.active && !person.revoked, &person.groups)),
        None => service.then(|| user(&push.pusher, true, &[])),
    };
    Entities::from_entities([repository.unwrap()].into_iter().chain(user), None).unwrap()
}

fn user(name: &str, active: bool, groups: &[String]) -> Entity {
    let attributes = HashMap::from([
        ("name".to_owned(), RestrictedExpression::new_string(name.to_owned())),
        ("active".to_owned(), RestrictedExpression::new_bool(active)),
    ]);
    Entity::new(user_uid(name), attributes, groups.iter().map(|group| group_uid(group)).collect()).unwrap()
}

/// The request for one ref of a push.
pub fn request(push: &Push, update: &Update) -> Request {
    let segments = update.name.split('/').enumerate().map(|(number, segment)| {
        (format!("s{number}"), RestrictedExpression::new_string(segment.to_owned()))
    });
    let context = Context::from_pairs([
        ("ref".to_owned(), RestrictedExpression::new_string(update.name.clone())),
        ("segments".to_owned(), RestrictedExpression::new_record(segments).unwrap()),
        ("now".to_owned(), seconds(push.now)),
        ("pull_request".to_owned(), RestrictedExpression::new_bool(is_pull_request(push.channel))),
    ]);
    let action = uid("Action", update.verb_by_definition());
    let repository = uid("Repository", &folded(&push.repository));
    Request::new(user_uid(&push.pusher), action, repository, context.unwrap(), None).unwrap()
}

fn is_pull_request(channel: Channel) -> bool {
    ["pull-request-merge", "pull-request-dry-run"].contains(&channel.as_str())
}

fn seconds(moment: Timestamp) -> RestrictedExpression {
    RestrictedExpression::new_long(moment.as_second())
}

/// Cedar's answer about one ref.
pub fn decide(policies: &PolicySet, request: &Request, slice: &Entities) -> Response {
    Authorizer::new().is_authorized(request, policies, slice)
}

fn user_uid(name: &str) -> EntityUid {
    uid("User", &folded(name))
}

fn group_uid(name: &str) -> EntityUid {
    uid("Group", name)
}

fn uid(kind: &str, id: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(EntityTypeName::from_str(kind).unwrap(), EntityId::new(id))
}
