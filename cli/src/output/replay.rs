//! What came of recorded pushes that were decided again.

use oam_proto::v1::{ReplayDone, ReplayGroup, ReplayJudgement, ReplayUntold, ReplayVerdict, RuleUse};
use serde::Serialize;

use super::{
    Page,
    decision::RefSpelling,
    json,
    layout::{Fields, counts, names},
    page::{counted, moment, number, short, utc},
    quoted, shown, shown_line,
    usage::{self, RuleUseJson},
};

/// One line of the answer.
#[derive(Debug, Serialize)]
#[serde(tag = "item", rename_all = "kebab-case")]
pub enum StepJson<'a> {
    /// A ref that comes out otherwise.
    Verdict(VerdictJson<'a>),
    /// All that come out otherwise in one way.
    Group {
        /// What becomes of the verdict.
        effect: &'a str,
        /// How it was judged.
        before: JudgementJson<'a>,
        /// How it is judged now.
        after: JudgementJson<'a>,
        /// How many refs.
        refs: u64,
        /// Of how many pushes.
        pushes: u64,
        /// The first of them.
        examples: Vec<VerdictJson<'a>>,
    },
    /// The last line.
    Done(Box<DoneJson<'a>>),
}

/// A ref that comes out otherwise.
#[derive(Debug, Serialize)]
pub struct VerdictJson<'a> {
    decision: &'a str,
    time: Option<String>,
    username: &'a str,
    repository: &'a str,
    channel: &'a str,
    #[serde(flatten)]
    name: RefSpelling<'a>,
    verb: &'a str,
    effect: &'a str,
    before: JudgementJson<'a>,
    after: JudgementJson<'a>,
    generation: Option<u64>,
    directory: &'static str,
    differs: &'a [String],
}

/// How a ref is judged.
#[derive(Debug, Default, Serialize)]
pub struct JudgementJson<'a> {
    outcome: &'a str,
    grant: Option<&'a str>,
    waiver: Option<&'a str>,
    reasons: Vec<GroundJson<'a>>,
}

#[derive(Debug, Serialize)]
struct GroundJson<'a> {
    code: &'a str,
    rule: Option<&'a str>,
}

/// What came of all of it.
#[derive(Debug, Serialize)]
pub struct DoneJson<'a> {
    policy: Option<&'a str>,
    in_force: Option<&'a str>,
    since: Option<String>,
    until: Option<String>,
    pushes: u64,
    refs: u64,
    unchanged: u64,
    newly_permitted: u64,
    newly_refused: u64,
    newly_undecided: u64,
    other_grounds: u64,
    pushes_changed: u64,
    by_directory_alone: u64,
    by_directory_then: u64,
    by_directory_now: u64,
    refs_not_grouped: u64,
    untold: Vec<UntoldJson<'a>>,
    rules: Vec<RuleUseJson<'a>>,
    in_force_rules: Vec<RuleUseJson<'a>>,
    in_force_rules_since: Option<String>,
    log_begins: Option<String>,
}

/// What could not be told, for one cause.
#[derive(Debug, Serialize)]
pub struct UntoldJson<'a> {
    code: &'a str,
    why: &'a str,
    doubt: bool,
    refs: u64,
    pushes: u64,
    examples: &'a [String],
}

/// See [`StepJson::Verdict`].
pub fn verdict_json(verdict: &ReplayVerdict) -> StepJson<'_> {
    StepJson::Verdict(verdict.into())
}

/// See [`StepJson::Group`].
pub fn group_json(group: &ReplayGroup) -> StepJson<'_> {
    StepJson::Group {
        effect: &group.effect,
        before: judgement(group.before.as_ref()),
        after: judgement(group.after.as_ref()),
        refs: group.refs,
        pushes: group.pushes,
        examples: group.examples.iter().map(Into::into).collect(),
    }
}

/// See [`StepJson::Done`].
pub fn done_json(done: &ReplayDone) -> StepJson<'_> {
    StepJson::Done(Box::new(DoneJson {
        policy: json::some(&done.policy),
        in_force: json::some(&done.in_force),
        since: json::time(done.since_micros),
        until: json::time(done.until_micros),
        pushes: done.pushes,
        refs: done.refs,
        unchanged: done.unchanged,
        newly_permitted: done.newly_permitted,
        newly_refused: done.newly_refused,
        newly_undecided: done.newly_undecided,
        other_grounds: done.other_grounds,
        pushes_changed: done.pushes_changed,
        by_directory_alone: done.by_directory_alone,
        by_directory_then: done.by_directory_then,
        by_directory_now: done.by_directory_now,
        refs_not_grouped: done.refs_not_grouped,
        untold: done.untold.iter().map(Into::into).collect(),
        rules: done.rules.iter().map(Into::into).collect(),
        in_force_rules: done.in_force_rules.iter().map(Into::into).collect(),
        in_force_rules_since: json::time(done.in_force_rules_since_micros),
        log_begins: json::time(done.log_begins_micros),
    }))
}

impl<'a> From<&'a ReplayVerdict> for VerdictJson<'a> {
    fn from(verdict: &'a ReplayVerdict) -> Self {
        Self {
            decision: &verdict.decision,
            time: json::time(verdict.at_micros),
            username: &verdict.username,
            repository: &verdict.repository,
            channel: &verdict.channel,
            name: RefSpelling::of(&verdict.r#ref),
            verb: &verdict.verb,
            effect: &verdict.effect,
            before: judgement(verdict.before.as_ref()),
            after: judgement(verdict.after.as_ref()),
            generation: (verdict.generation > 0).then_some(verdict.generation),
            directory: if verdict.directory_then { "then" } else { "now" },
            differs: &verdict.differs,
        }
    }
}

impl<'a> From<&'a ReplayUntold> for UntoldJson<'a> {
    fn from(one: &'a ReplayUntold) -> Self {
        Self {
            code: &one.code,
            why: &one.why,
            doubt: one.doubt,
            refs: one.refs,
            pushes: one.pushes,
            examples: &one.examples,
        }
    }
}

fn judgement(one: Option<&ReplayJudgement>) -> JudgementJson<'_> {
    one.map_or_else(JudgementJson::default, |one| JudgementJson {
        outcome: &one.outcome,
        grant: json::some(&one.grant),
        waiver: json::some(&one.waiver),
        reasons: one
            .reasons
            .iter()
            .map(|reason| GroundJson { code: &reason.code, rule: json::some(&reason.rule) })
            .collect(),
    })
}

/// `2026-11-23T17:21:14Z newly refused: ada, update refs/heads/main in PAY/api`, and how it was judged before and after.
pub fn verdict_text(verdict: &ReplayVerdict, page: &Page) -> String {
    let effect = effect(&verdict.effect, page);
    let mut text = format!("{effect}: {}\n", push(verdict));
    text.push_str(&change(verdict.before.as_ref(), verdict.after.as_ref()));
    if !verdict.differs.is_empty() {
        text.push_str(&format!("    differs {}\n", names(&verdict.differs)));
    }
    text
}

/// All that come out otherwise in one way; with the first of them, unless each was told already.
pub fn group_text(group: &ReplayGroup, told: bool, page: &Page) -> String {
    let refs = counted(group.refs, "ref", "refs");
    let pushes = counted(group.pushes, "push", "pushes");
    let heading = format!("{}: {refs} in {pushes}", effect(&group.effect, page));
    let mut text = format!("{heading}\n{}", change(group.before.as_ref(), group.after.as_ref()));
    let differs = group.examples.first().filter(|first| !first.differs.is_empty());
    if let Some(first) = differs {
        text.push_str(&format!("    differs {}\n", names(&first.differs)));
    }
    if told {
        return text + "\n";
    }
    for example in &group.examples {
        text.push_str(&format!("    {}\n", page.dim(&push(example))));
    }
    let rest = group.refs.saturating_sub(group.examples.len() as u64);
    if rest > 0 {
        text.push_str(&format!("    and {} more: see --all\n", number(rest)));
    }
    text + "\n"
}

fn effect(code: &str, page: &Page) -> String {
    match code {
        "newly-permitted" => page.good("newly permitted"),
        "newly-refused" => page.bad("newly refused"),
        "newly-undecided" => page.warn("newly undecided"),
        "other-grounds" => page.bold("on other grounds"),
        other => shown(other),
    }
}

fn push(verdict: &ReplayVerdict) -> String {
    let at = moment(verdict.at_micros).map_or_else(|| "-".into(), utc);
    let directory = if verdict.directory_then { "" } else { ", by the directory of now" };
    format!(
        "{at} {}: {} {} in {}{directory} ({})",
        shown(&verdict.username),
        shown(&verdict.verb),
        shown(&verdict.r#ref),
        shown(&verdict.repository),
        shown(&verdict.decision)
    )
}

fn change(before: Option<&ReplayJudgement>, after: Option<&ReplayJudgement>) -> String {
    format!("    before  {}\n    after   {}\n", judged(before), judged(after))
}

fn judged(one: Option<&ReplayJudgement>) -> String {
    let Some(one) = one else { return "?".into() };
    let reasons: Vec<_> = one
        .reasons
        .iter()
        .map(|reason| match reason.rule.as_str() {
            "" => shown(&reason.code),
            rule => format!("{} by {}", shown(&reason.code), quoted(rule)),
        })
        .collect();
    let grant = json::some(&one.grant).map(|grant| format!(" by {}", quoted(grant)));
    let waiver = json::some(&one.waiver).map(|waiver| format!(", with the waiver {}", quoted(waiver)));
    let why = if reasons.is_empty() { String::new() } else { format!(": {}", reasons.join(", ")) };
    format!("{}{}{}{why}", shown(&one.outcome), grant.unwrap_or_default(), waiver.unwrap_or_default())
}

/// What came of all of it. `recorded`: each push was decided by what it was decided by then.
pub fn done_text(done: &ReplayDone, recorded: bool, page: &Page) -> String {
    let begins_later = done.log_begins_micros > done.since_micros;
    let since =
        moment(done.since_micros.max(done.log_begins_micros)).map_or_else(|| "the beginning".into(), utc);
    let pushes = counted(done.pushes, "push", "pushes");
    let refs = counted(done.refs, "ref", "refs");
    let by = if recorded { "what was in force".into() } else { format!("policy {}", short(&done.policy)) };
    let mut text = page.bold(&format!("Decided again by {by}, since {since}: {pushes}, {refs}"));
    text.push('\n');
    let changed = [
        (done.newly_permitted, "newly permitted"),
        (done.newly_refused, "newly refused"),
        (done.newly_undecided, "newly undecided"),
        (done.other_grounds, "on other grounds"),
    ];
    let changed = match (done.pushes_changed, counts(&changed, "none")) {
        (0, none) => none,
        (pushes, some) => format!("{some}; in {}", counted(pushes, "push", "pushes")),
    };
    let label = if recorded { "otherwise" } else { "changed" };
    let same = if recorded { "as recorded" } else { "unchanged" };
    let mut fields = Fields::new().with(same, refs_of(done.unchanged)).with(label, changed);
    for one in &done.untold {
        fields = fields.with(if one.doubt { "not told" } else { "left out" }, untold(one));
    }
    let log = if begins_later {
        format!("it begins at {since}: no push from before is in it")
    } else {
        String::new()
    };
    text.push_str(&fields.with("log", log).with("directory", directory(done)).laid_out(page));
    if done.refs_not_grouped > 0 {
        let rest = counted(done.refs_not_grouped, "ref is", "refs are");
        text.push_str(&format!("{rest} in no group: there were too many. See --all.\n"));
    }
    if !recorded {
        text.push_str(&format!("\n{}\n", page.bold("What its rules would have decided")));
        text.push_str(&usage::table(&done.rules, page));
        let is_idle = |one: &&RuleUse| !usage::is_used(one) && !one.beside_pushes && one.kind != "role";
        let idle: Vec<&RuleUse> = done.rules.iter().filter(is_idle).collect();
        if !idle.is_empty() {
            text.push_str(&format!("Nothing would be decided by {}.\n", usage::listed(&idle, true)));
        }
        text.push_str(&format!("\n{}", usage::unused(done)));
    }
    text
}

fn refs_of(count: u64) -> String {
    counted(count, "ref", "refs")
}

fn untold(one: &ReplayUntold) -> String {
    let pushes = counted(one.pushes, "push", "pushes");
    let example = one.examples.first().map_or_else(String::new, |id| format!(", such as {}", shown(id)));
    format!("{} in {pushes}: {}{example}", refs_of(one.refs), shown_line(&one.why))
}

fn directory(done: &ReplayDone) -> String {
    if done.pushes == 0 {
        return String::new();
    }
    let then = |count| format!("that of then for {}", counted(count, "push", "pushes"));
    let now =
        |count| format!("that of now ({}) for {}", done.generation_now, counted(count, "push", "pushes"));
    let mut text = match (done.by_directory_then, done.by_directory_now) {
        (count, 0) => then(count),
        (0, count) => now(count),
        (one, other) => format!("{}, {}", then(one), now(other)),
    };
    if done.by_directory_alone > 0 {
        let refs = counted(done.by_directory_alone, "ref", "refs");
        text.push_str(&format!("; {refs} come out otherwise for that alone, and are not counted as changed"));
    }
    text
}
