use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use oam_policy::{Repository, Username};

use super::{
    judgement::{Effect, Judgement},
    usage::Usage,
};

/// How many ways to be judged otherwise are told apart.
const MOST_GROUPS: usize = 5_000;
/// How many examples of each are kept.
const EXAMPLES: usize = 3;

/// A ref that is judged otherwise.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// The decision's id.
    pub decision: String,
    /// When it was recorded.
    pub at: Timestamp,
    /// Who pushed.
    pub username: Username,
    /// Where.
    pub repository: Repository,
    /// By which way in.
    pub channel: &'static str,
    /// The ref.
    pub name: Vec<u8>,
    /// What was done to it, as policies write it; `move` where it was not found out whether it was an update or a force.
    pub verb: &'static str,
    /// What becomes of the verdict.
    pub effect: Effect,
    /// How it was judged.
    pub before: Judgement,
    /// How it is judged now.
    pub after: Judgement,
    /// The directory that it is decided by now.
    pub generation: Option<u64>,
    /// Whether that is the one that it was decided by.
    pub directory_then: bool,
    /// What does not come out as it is recorded, where that is asked.
    pub differs: Vec<&'static str>,
}

/// Refs that are judged otherwise in the same way.
#[derive(Debug, Clone)]
pub struct Group {
    /// How many refs.
    pub refs: u64,
    /// Of how many pushes.
    pub pushes: u64,
    /// The first of them; never empty.
    pub examples: Vec<Verdict>,
    last_push: String,
}

/// Why a decision, or a ref of it, could not be made again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Untold {
    /// It depends on a fact that was not asked for then; the code of the fact.
    NotRecorded(&'static str),
    /// The entry is none that this version reads.
    NotUnderstood,
    /// Not all its updates are in the log.
    Incomplete,
    /// Who pushed, or whose the repository is, was erased from the table of people.
    Erased,
    /// The policy that it was made by is not to be had.
    PolicyGone,
    /// The directory that it was made by is not kept.
    DirectoryGone,
    /// It could not be decided then, for a cause that is not the policy's: its code.
    UndecidedThen(String),
}

impl Untold {
    /// A stable name.
    pub fn code(&self) -> &str {
        match self {
            Self::NotRecorded(code) => code,
            Self::NotUnderstood => "not-understood",
            Self::Incomplete => "incomplete",
            Self::Erased => "erased",
            Self::PolicyGone => "policy-not-kept",
            Self::DirectoryGone => "directory-not-kept",
            Self::UndecidedThen(_) => "undecided-then",
        }
    }

    /// Why, for people.
    pub fn words(&self) -> String {
        match self {
            Self::NotRecorded("ancestry-not-recorded") => {
                "whether it was an update or a force was not asked then, and matters now".into()
            }
            Self::NotRecorded(code) => format!("it depends on what was not asked then ({code})"),
            Self::NotUnderstood => "the entry is none that this version of oamd reads".into(),
            Self::Erased => {
                "who pushed, or whose repository it is, was erased, and nobody can tell who it was".into()
            }
            Self::Incomplete => "not all of its refs are in the log".into(),
            Self::PolicyGone => {
                "the policy of then is not kept, or no policy for this version of oamd".into()
            }
            Self::DirectoryGone => "the directory of then is not kept".into(),
            Self::UndecidedThen(code) => {
                format!("it could not be decided then ({code}), for a cause that is not the policy's")
            }
        }
    }

    /// Whether the answer is less certain for it. Where it could not be decided then, nothing is lost.
    pub fn is_doubt(&self) -> bool {
        !matches!(self, Self::UndecidedThen(_))
    }
}

/// How often something could not be told.
#[derive(Debug, Clone, Default)]
pub struct UntoldCount {
    /// Refs.
    pub refs: u64,
    /// Pushes.
    pub pushes: u64,
    /// The ids of the first.
    pub examples: Vec<String>,
}

/// What came of all of it.
#[derive(Debug, Default)]
pub struct Summary {
    /// Pushes made again.
    pub pushes: u64,
    /// Their refs, as far as they could be told.
    pub refs: u64,
    /// Of them, those that are judged as before.
    pub unchanged: u64,
    /// And the others.
    pub effects: BTreeMap<Effect, u64>,
    /// Pushes with at least one of the others.
    pub pushes_changed: u64,
    /// Refs that are judged otherwise by the directory in force now, under the policy of then, too.
    pub by_directory_alone: u64,
    /// Pushes decided by the directory of then.
    pub by_directory_then: u64,
    /// Pushes decided by the directory in force now.
    pub by_directory_now: u64,
    /// The directory in force now.
    pub generation_now: Option<u64>,
    /// Refs that are in no group, since there were too many.
    pub refs_not_grouped: u64,
    /// What could not be told.
    pub untold: BTreeMap<Untold, UntoldCount>,
    /// When the first entry was recorded that the log still has; nothing when that is not among those that were read.
    pub log_begins: Option<Timestamp>,
    /// The rules of the policy that was decided by.
    pub rules: Option<Usage>,
    /// The rules of the policy in force, as the log has it.
    pub in_force: Option<Usage>,
    pub(super) groups: HashMap<(Judgement, Judgement), Group>,
}

impl Summary {
    /// Adds what was counted of one push.
    pub(super) fn take_counts(&mut self, one: Self) {
        self.pushes += one.pushes;
        self.refs += one.refs;
        self.unchanged += one.unchanged;
        self.by_directory_then += one.by_directory_then;
        self.by_directory_now += one.by_directory_now;
        for (why, count) in one.untold {
            for decision in &count.examples {
                self.untold(why.clone(), count.refs, decision);
            }
        }
    }

    /// A ref is judged otherwise.
    pub(super) fn changed(&mut self, verdict: &Verdict) {
        *self.effects.entry(verdict.effect).or_default() += 1;
        let key = (verdict.before.clone(), verdict.after.clone());
        if self.groups.len() >= MOST_GROUPS && !self.groups.contains_key(&key) {
            self.refs_not_grouped += 1;
            return;
        }
        let new = || Group { refs: 0, pushes: 0, examples: Vec::new(), last_push: String::new() };
        let group = self.groups.entry(key).or_insert_with(new);
        group.refs += 1;
        if group.last_push != verdict.decision {
            group.last_push.clone_from(&verdict.decision);
            group.pushes += 1;
        }
        if group.examples.len() < EXAMPLES {
            group.examples.push(verdict.clone());
        }
    }

    /// Some refs of a push could not be told.
    pub(super) fn untold(&mut self, why: Untold, refs: u64, decision: &str) {
        let count = self.untold.entry(why).or_default();
        count.refs += refs;
        count.pushes += 1;
        if count.examples.len() < EXAMPLES {
            count.examples.push(decision.to_owned());
        }
    }

    /// The groups: by effect, the most frequent first.
    pub fn groups(&mut self) -> Vec<Group> {
        let mut groups: Vec<_> = std::mem::take(&mut self.groups).into_values().collect();
        groups.sort_by_cached_key(|group| {
            let first = group.examples.first();
            (
                first.map(|one| one.effect),
                std::cmp::Reverse(group.refs),
                first.map(|one| (one.at, one.name.clone())),
            )
        });
        groups
    }
}
