//! The rules as Casbin's rows under an RBAC model, and a push as its request.
//!
//! Casbin's roles know no "in every one of these groups", so it is told who holds which role, and only of those who
//! are asked about. It looks at the row of every rule, as it does.

use casbin::{CoreApi, DefaultModel, Enforcer, MgmtApi, RbacApi, function_map::OperatorFunction};

use crate::model::{Kind, Person, Push, Role, Rule, Rules, folded};

const MODEL: &str = r#"
[request_definition]
r = sub, repository, ref, own, verb, now

[policy_definition]
p = sub, on, ref, verbs, start, end, eft

[role_definition]
g = _, _

[policy_effect]
e = some(where (p.eft == allow)) && !some(where (p.eft == deny))

[matchers]
m = keyMatch(r.repository, p.on) && includes(p.verbs, r.verb) && (keyMatch(r.ref, p.ref) || keyMatch(r.own, p.ref)) && p.start <= r.now && r.now < p.end && g(r.sub, p.sub) == (p.eft == "allow")
"#;

/// Who holds which roles.
pub type Holders = Vec<(String, Vec<String>)>;

/// The roles that each of these people holds.
pub fn holders<'a>(rules: &Rules, people: impl IntoIterator<Item = &'a Person>) -> Holders {
    let of = |person: &Person| {
        let held = rules.roles.iter().filter(|role| holds(role, person));
        (person.username.clone(), held.map(|role| role.id.clone()).collect())
    };
    people.into_iter().map(of).collect()
}

fn holds(role: &Role, person: &Person) -> bool {
    let is_in = |group: &String| person.groups.contains(group);
    (role.any.is_empty() || role.any.iter().any(is_in)) && role.all.iter().all(is_in)
}

/// Casbin with the rows of these rules, and the roles of these people.
pub fn enforcer(rules: &Rules, holders: &Holders) -> Enforcer {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let model = DefaultModel::from_str(MODEL).await.unwrap();
        let mut enforcer = Enforcer::new(model, ()).await.unwrap();
        // No verb is a part of another.
        let includes = OperatorFunction::Arg2(|verbs, verb| {
            let texts = (verbs.into_immutable_string(), verb.into_immutable_string());
            matches!(texts, (Ok(verbs), Ok(verb)) if verbs.contains(verb.as_str())).into()
        });
        enforcer.add_function("includes", includes);
        enforcer.add_policies(rules.enforced().map(row).collect()).await.unwrap();
        for (name, roles) in holders {
            enforcer.add_roles_for_user(name, roles.clone(), None).await.unwrap();
        }
        enforcer
    })
}

/// The pattern of one rule: `keyMatch` takes what comes before the first `*`.
fn row(rule: &Rule) -> Vec<String> {
    let ([on], [refs], roles) = (&*rule.on, &*rule.refs, &*rule.roles) else {
        panic!("one row has one repository and one ref: {rule:?}")
    };
    let subject = match roles {
        [] => "nobody",
        [role] => role,
        _ => panic!("one row has one role: {rule:?}"),
    };
    let eft = match rule.kind {
        Kind::Grant => "allow",
        Kind::Block => "deny",
        Kind::Require => panic!("the rows know no channels: {rule:?}"),
    };
    // Times compare as texts.
    let from = rule.from.map_or_else(String::new, |from| from.to_string());
    let to = rule.to.map_or_else(|| "9999".into(), |to| to.to_string());
    vec![subject.into(), folded(on), refs.clone(), rule.verbs.join(" "), from, to, eft.into()]
}

/// The request for the first ref of a push: who, where, which ref, the same with `${user}` for the pusher's own
/// folder, verb, time.
pub fn request(push: &Push) -> Vec<String> {
    let update = &push.updates[0];
    let own = update.name.replacen(&format!("/u/{}/", push.pusher), "/u/${user}/", 1);
    let (repository, name) = (folded(&push.repository), update.name.clone());
    vec![push.pusher.clone(), repository, name, own, update.verb_by_definition().into(), push.now.to_string()]
}

/// Whether the push that `request` tells of is permitted.
pub fn permits(enforcer: &Enforcer, request: &[String]) -> bool {
    enforcer.enforce(request.to_vec()).unwrap()
}
