//! The rules as data for a Rego policy, indexed by repository, and a push as its input.
//!
//! The policy (`rego.rego`) looks only at the rules on the repository, its project or everything, and only at the roles
//! that one of the pusher's groups could give. regorus has two ways to run it, of which the virtual machine is the newer.

use std::collections::BTreeMap;

use regorus::{Engine, Value, languages::rego::compiler::Compiler, rvm::vm::RegoVM};
use serde_json::{Map, json};

use crate::model::{Kind, Person, Push, Role, Rule, Rules, folded};

const ENTRY: &str = "data.oam.permitted";

/// The policy over the data of these rules, on regorus' interpreter.
pub struct Interpreter(Engine);

impl Interpreter {
    /// Reads the policy and loads the rules.
    pub fn new(rules: &Rules) -> Self {
        let mut engine = Engine::new();
        engine.add_policy("oam.rego".into(), include_str!("rego.rego").into()).unwrap();
        engine.add_data(data(rules)).unwrap();
        Self(engine)
    }

    /// Whether the push that `input` tells of is permitted.
    pub fn permits(&mut self, input: &Value) -> bool {
        self.0.set_input(input.clone());
        *self.0.eval_rule(ENTRY.into()).unwrap().as_bool().unwrap()
    }
}

/// The same, compiled for regorus' virtual machine.
pub struct Machine(RegoVM);

impl Machine {
    /// Compiles the policy and loads the rules.
    pub fn new(rules: &Rules) -> Self {
        let compiled = Interpreter::new(rules).0.compile_with_entrypoint(&ENTRY.into()).unwrap();
        let program = Compiler::compile_from_policy(&compiled, &[ENTRY]).unwrap();
        let mut machine = RegoVM::new();
        machine.load_program(program);
        machine.set_data(data(rules)).unwrap();
        Self(machine)
    }

    /// Whether the push that `input` tells of is permitted.
    pub fn permits(&mut self, input: &Value) -> bool {
        self.0.set_input(input.clone());
        *self.0.execute_entry_point_by_index(0).unwrap().as_bool().unwrap()
    }
}

/// The input for the first ref of a push.
pub fn input(push: &Push, pusher: &Person) -> Value {
    let update = &push.updates[0];
    let repository = folded(&push.repository);
    let (project, _) = repository.split_once('/').unwrap();
    let is_in: Map<_, _> = pusher.groups.iter().map(|group| (group.clone(), json!(true))).collect();
    Value::from(json!({
        "user": pusher.username,
        "groups": pusher.groups,
        "is_in": is_in,
        "places": ["**", format!("{project}/*"), repository],
        "verb": update.verb_by_definition(),
        "ref": update.name,
        "now": push.now.as_second(),
    }))
}

fn data(rules: &Rules) -> Value {
    let mut places: BTreeMap<String, [Vec<serde_json::Value>; 2]> = BTreeMap::new();
    for rule in rules.enforced() {
        for place in &rule.on {
            let [grants, blocks] = places.entry(folded(place)).or_default();
            match rule.kind {
                Kind::Grant => grants.push(as_data(rule)),
                Kind::Block => blocks.push(as_data(rule)),
                Kind::Require => panic!("the Rego policy knows no channels: {rule:?}"),
            }
        }
    }
    let places: Map<_, _> = places
        .into_iter()
        .map(|(place, [grants, blocks])| (place, json!({ "grants": grants, "blocks": blocks })))
        .collect();
    let mut roles_of: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for role in &rules.roles {
        for group in doors(role) {
            roles_of.entry(group).or_default().push(&role.id);
        }
    }
    let roles: Map<_, _> = rules.roles.iter().map(|role| (role.id.clone(), json!(role.all))).collect();
    Value::from(json!({ "rules": places, "roles_of": roles_of, "roles": roles }))
}

/// The groups of which a holder is in one at least: no need to look at the role for anybody else.
fn doors(role: &Role) -> impl Iterator<Item = &str> {
    let only_all = role.any.is_empty();
    let all = role.all.first().filter(|_| only_all);
    role.any.iter().chain(all).map(String::as_str)
}

fn as_data(rule: &Rule) -> serde_json::Value {
    let verbs: Map<_, _> = rule.verbs.iter().map(|verb| ((*verb).to_owned(), json!(true))).collect();
    let seconds = |moment: Option<jiff::Timestamp>, open| moment.map_or(open, jiff::Timestamp::as_second);
    json!({
        "roles": rule.roles,
        "verbs": verbs,
        "refs": rule.refs.iter().map(|pattern| pattern_as_data(pattern)).collect::<Vec<_>>(),
        "from": seconds(rule.from, 0),
        "to": seconds(rule.to, i64::MAX),
    })
}

fn pattern_as_data(pattern: &str) -> serde_json::Value {
    match pattern.strip_suffix("**") {
        Some(folder) => match folder.strip_suffix("${user}/") {
            Some(own) => json!({ "own": own }),
            None => json!({ "under": folder }),
        },
        None => {
            assert!(!pattern.contains(['*', '?', '{', '!']), "the Rego policy has no sign for `{pattern}`");
            json!({ "name": pattern })
        }
    }
}
