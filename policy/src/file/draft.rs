use std::{
    collections::{BTreeMap, btree_map::Entry},
    ops::Range,
};

use super::{
    MAX_RULES, MAX_SIGNS, MAX_TESTS, block, change, elevation,
    grammar::{self, TableKind},
    grant,
    list::Room,
    mentions::{Mention, Place},
    reader::{Report, TableReader},
    require, role, test,
    tree::{Node, Spanned, Table},
    waiver, workload,
};
use crate::{
    fault::{Collector, Fault, Source},
    name::{RoleId, RuleId},
    rule::{Policy, PolicyParts},
};

/// A policy while its files are read.
pub(super) struct Draft<'d, 'a> {
    pub(super) parts: PolicyParts,
    pub(super) sources: &'d [Source<'a>],
    /// Where each role's id is given.
    pub(super) roles: BTreeMap<RoleId, Place>,
    /// Where each rule's id is given.
    pub(super) rules: BTreeMap<RuleId, Place>,
    /// Where rules name roles.
    pub(super) mentions: Vec<(RoleId, Place)>,
    /// Where tests and waivers name rules.
    pub(super) rule_mentions: Vec<(RuleId, Mention, Place)>,
    /// Where the contact is given.
    contact: Option<Place>,
    /// Where it is said how the policy may be replaced.
    change: Option<Place>,
    /// Whether every role that the files mean to define is in `roles`.
    all_roles_known: bool,
    /// Whether every rule that the files mean to define is in `rules`.
    all_rules_known: bool,
    rule_count: usize,
    too_many_tests: bool,
    /// What the patterns of the rules may still weigh.
    pub(super) room: Room,
}

/// The kinds of tables, in the order in which they are read.
const KINDS: [(&str, &TableKind); 8] = [
    ("role", &grammar::ROLE),
    ("grant", &grammar::GRANT),
    ("block", &grammar::BLOCK),
    ("require", &grammar::REQUIRE),
    ("waiver", &grammar::WAIVER),
    ("elevation", &grammar::ELEVATION),
    ("workload", &grammar::WORKLOAD),
    ("test", &grammar::TEST),
];

/// How many signs of patterns all tests together may meet: some seconds' worth.
const MAX_TEST_WORK: usize = 100_000_000;

impl<'d, 'a> Draft<'d, 'a> {
    pub(super) fn new(sources: &'d [Source<'a>]) -> Self {
        Self {
            parts: PolicyParts::default(),
            sources,
            roles: BTreeMap::new(),
            rules: BTreeMap::new(),
            mentions: Vec::new(),
            rule_mentions: Vec::new(),
            contact: None,
            change: None,
            all_roles_known: true,
            all_rules_known: true,
            rule_count: 0,
            too_many_tests: false,
            room: Room::new(),
        }
    }

    /// Reads the file at position `file`.
    pub(super) fn read_file<'t>(&mut self, file: usize, table: Table<'t>, report: &mut Report<'_, 't>) {
        self.all_roles_known &= !report.is_broken();
        self.all_rules_known &= !report.is_broken();
        let mut top = TableReader::new("a policy file", 0..0, table);
        check_version("a policy file", &mut top, report);
        if let Some(node) = top.take("contact") {
            self.read_contact(file, node, report);
        }
        if let Some((key, node)) = top.take_with_key("change") {
            self.read_change(file, key.span, node, report);
        }
        for (kind, tables) in KINDS {
            for table in rules_of_kind(kind, tables.what, &mut top, report) {
                self.rule_count = self.rule_count.saturating_add(1);
                let span = table.span.clone();
                let had_room = self.room.is_left();
                match kind {
                    // The rest is counted only.
                    _ if self.rule_count > MAX_RULES || !had_room => {}
                    "test" if self.parts.tests.len() >= MAX_TESTS => self.refuse_tests(span.clone(), report),
                    "role" => role::read(table, self, file, report),
                    "grant" => grant::read(table, self, file, report),
                    "block" => block::read(table, self, file, report),
                    "require" => require::read(table, self, file, report),
                    "waiver" => waiver::read(table, self, file, report),
                    "elevation" => elevation::read(table, self, file, report),
                    "workload" => workload::read(table, self, file, report),
                    _ => test::read(table, self, file, report),
                }
                if had_room && !self.room.is_left() {
                    self.refuse_size(kind, span, report);
                }
            }
        }
        top.finish_as(&grammar::TOP, report);
    }

    /// Of a policy that is too large, what else is wrong is not looked for.
    fn refuse_size(&mut self, kind: &str, span: Range<usize>, report: &mut Report<'_, '_>) {
        let in_file =
            |place: &Place| self.sources.get(place.file).map(Source::name) == Some(report.source.name());
        let behind = self.rules.iter().filter(|(_, place)| place.span.start >= span.start && in_file(place));
        let newest = behind.min_by_key(|(_, place)| place.span.start);
        let id = newest.map(|(id, _)| format!(" `{id}`")).unwrap_or_default();
        let message = format!(
            "with the {kind}{id} the patterns of the policy come to more than {MAX_SIGNS} characters, their \
             alternatives multiplied out"
        );
        report.add(span, message, Some("write fewer alternatives, or wider patterns in fewer rules".into()));
        self.all_roles_known = false;
        self.all_rules_known = false;
    }

    fn refuse_tests(&mut self, span: Range<usize>, report: &mut Report<'_, '_>) {
        if !std::mem::replace(&mut self.too_many_tests, true) {
            let message = format!("the policy has more than {MAX_TESTS} tests");
            report.add(span, message, Some("they are run before each load: keep those that matter".into()));
        }
    }

    fn read_contact<'t>(&mut self, file: usize, node: Spanned<Node<'t>>, report: &mut Report<'_, 't>) {
        let Some(text) = report.text("contact", node) else { return };
        if let Some(first) = &self.contact {
            let message = format!("`contact` is given twice: at {} and here", self.shown(first));
            report.add(text.span, message, Some("keep one".into()));
            return;
        }
        self.contact = Some(Place { file, span: text.span });
        self.parts.contact = Some(text.value.into_owned());
    }

    fn read_change<'t>(
        &mut self,
        file: usize,
        span: Range<usize>,
        node: Spanned<Node<'t>>,
        report: &mut Report<'_, 't>,
    ) {
        let Some(table) = report.table("`change`", node) else { return };
        let read = change::read(table, report);
        if let Some(first) = &self.change {
            let message = format!("`change` is given twice: at {} and here", self.shown(first));
            report.add(span, message, Some("keep one".into()));
            return;
        }
        self.change = Some(Place { file, span });
        self.parts.change = read;
    }

    /// The id of a rule.
    pub(super) fn rule_id<'t>(
        &mut self,
        table: &mut TableReader<'t>,
        example: &str,
        file: usize,
        report: &mut Report<'_, 't>,
    ) -> Option<RuleId> {
        let id = self.read_rule_id(table, example, file, report);
        self.all_rules_known &= id.is_some();
        id
    }

    fn read_rule_id<'t>(
        &mut self,
        table: &mut TableReader<'t>,
        example: &str,
        file: usize,
        report: &mut Report<'_, 't>,
    ) -> Option<RuleId> {
        let node = table.require("id", &format!("\"{example}\""), report)?;
        let text = report.text("id", node)?;
        let id = report.parse(text, RuleId::parse)?;
        let first = register(&mut self.rules, &id, file);
        if let Some(first) = first {
            self.refuse_second("rule", id.value.as_str(), &first, id.span, report);
        }
        Some(id.value)
    }

    /// Notes that a role is defined.
    pub(super) fn name_role(&mut self, id: &Spanned<RoleId>, file: usize, report: &mut Report<'_, '_>) {
        if let Some(first) = register(&mut self.roles, id, file) {
            self.refuse_second("role", id.value.as_str(), &first, id.span.clone(), report);
        }
    }

    /// Notes that a role is defined whose name cannot be read.
    pub(super) fn a_role_is_nameless(&mut self) {
        self.all_roles_known = false;
    }

    /// Notes that a rule names roles.
    pub(super) fn mention_roles(&mut self, roles: &[Spanned<RoleId>], file: usize) {
        let place = |role: &Spanned<RoleId>| (role.value.clone(), Place { file, span: role.span.clone() });
        self.mentions.extend(roles.iter().map(place));
    }

    /// Notes that a test or a waiver names a rule.
    pub(super) fn mention_rule(&mut self, rule: RuleId, kind: Mention, file: usize, span: Range<usize>) {
        self.rule_mentions.push((rule, kind, Place { file, span }));
    }

    fn refuse_second(
        &self,
        kind: &str,
        id: &str,
        first: &Place,
        span: Range<usize>,
        report: &mut Report<'_, '_>,
    ) {
        let message = format!("the {kind} id `{id}` is given twice: at {} and here", self.shown(first));
        report.add(span, message, Some("give one of them another id, or take it out".into()));
    }

    fn shown(&self, place: &Place) -> String {
        self.sources.get(place.file).map(|source| source.place(place.span.start)).unwrap_or_default()
    }

    /// The policy, when nothing was wrong.
    pub(super) fn finish(self, faults: &mut Collector) -> Option<Policy> {
        let first_file = self.sources.first().map_or("", Source::name);
        if self.rule_count > MAX_RULES {
            let message = format!("the policy has {} rules; {MAX_RULES} are allowed", self.rule_count);
            let help = "wider patterns say more in fewer rules".to_owned();
            // What else is wrong with so many rules, nobody could read.
            *faults = Collector::new();
            faults.add(|| Fault::of_file(first_file, message, Some(help)));
        } else {
            let work = self.parts.tests.len().saturating_mul(self.room.taken());
            if work > MAX_TEST_WORK {
                let message =
                    "the policy has too many tests for patterns of that size to be run before each load";
                let help =
                    Some("keep the tests that matter, or write wider patterns in fewer rules".to_owned());
                faults.add(|| Fault::of_file(first_file, message, help));
            }
            if self.all_roles_known {
                self.check_mentions(faults);
            }
            if self.all_rules_known {
                self.check_rule_mentions(faults);
            }
        }
        if faults.total() > 0 {
            return None;
        }
        match Policy::new(self.parts) {
            Ok(policy) => Some(policy),
            Err(error) => {
                faults.add(|| Fault::of_file(first_file, error.to_string(), None));
                None
            }
        }
    }
}

/// `version = 1`.
pub(crate) fn check_version<'t>(what: &str, top: &mut TableReader<'t>, report: &mut Report<'_, 't>) {
    match top.take("version") {
        Some(Spanned { value: Node::Number(number), .. }) if number == "1" => {}
        Some(other) => {
            let help =
                format!("write {}; a newer version needs a newer release", report.pair("version", "1"));
            report.add(other.span, "this version of the format is not known", Some(help));
        }
        None if report.is_broken() => {}
        None => {
            let help = format!("add {}", report.pair("version", "1"));
            report.whole_file(&format!("{what} has no `version`"), help);
        }
    }
}

/// The tables of `[[kind]]`.
fn rules_of_kind<'t>(
    kind: &'static str,
    what: &'static str,
    top: &mut TableReader<'t>,
    report: &mut Report<'_, 't>,
) -> Vec<TableReader<'t>> {
    let Some((key, node)) = top.take_with_key(kind) else { return Vec::new() };
    match node.value {
        Node::List(elements) => elements.into_iter().filter_map(|one| report.table(what, one)).collect(),
        other => {
            let message = format!("`{kind}` is {}, where there is a list of tables", other.kind());
            report.add(key.span, message, Some(format!("write `[[{kind}]]` above each")));
            Vec::new()
        }
    }
}

/// Notes where an id is given; the place where it was given before, if it was.
fn register<K: Ord + Clone>(ids: &mut BTreeMap<K, Place>, id: &Spanned<K>, file: usize) -> Option<Place> {
    match ids.entry(id.value.clone()) {
        Entry::Vacant(entry) => {
            entry.insert(Place { file, span: id.span.clone() });
            None
        }
        Entry::Occupied(entry) => {
            let Place { file, span } = entry.get();
            Some(Place { file: *file, span: span.clone() })
        }
    }
}
