use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use jiff::Timestamp;
use oam_audit::entry::{self, PrivilegeKind, PrivilegeSort};
use oam_policy::{
    ObjectId, RoleId, RuleId, Verb,
    name::ClaimPath,
    rule::{PathSet, Pattern, PatternError, RefSet, RepositorySet, VerbSet},
};

use super::PrivilegeError;

/// How many patterns one request, or one lease, may be narrowed by.
pub const MOST_PATTERNS: usize = 32;
/// How long they may be together, in characters, with all their alternatives written out: each is matched with whatever
/// is pushed, so what somebody asks for may cost no more than what they write.
pub const MAX_PATTERNS: usize = 4_096;

/// What somebody has, or asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// What is granted to a role.
    Grant {
        /// The elevation that allows it.
        elevation: RuleId,
        /// The role.
        role: RoleId,
    },
    /// To lift rules.
    Waiver {
        /// The waiver that allows it.
        waiver: RuleId,
        /// The rules.
        lifts: BTreeSet<RuleId>,
    },
    /// What is granted to a role, for a job that showed its token.
    Lease(Box<Leased>),
}

/// What a job leased, and by what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leased {
    /// The workload that allows it.
    pub workload: RuleId,
    /// The role.
    pub role: RoleId,
    /// To do what.
    pub verbs: VerbSet,
    /// What the refs must come to name; `None`: anything.
    pub commit: Option<ObjectId>,
    /// Changes to these paths only; `None`: whatever the workload allows.
    pub paths: Option<PathSet>,
    /// Whether only pushes count that show its token.
    pub by_token: bool,
    /// Who issued the token that was shown.
    pub issuer: String,
    /// What that said, as far as the workload asked.
    pub claims: BTreeMap<ClaimPath, String>,
    /// How it came about; `None` where it is told what a pusher had.
    pub given: Option<Given>,
}

/// For how much, and for which token, a lease was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Given {
    /// For how many pushes.
    pub uses: u32,
    /// What tells the token from every other.
    pub token: String,
    /// Until when the token is good.
    pub token_expires: Timestamp,
}

impl What {
    /// The rule of the policy that allows it.
    pub fn rule(&self) -> &RuleId {
        match self {
            Self::Grant { elevation, .. } => elevation,
            Self::Waiver { waiver, .. } => waiver,
            Self::Lease(lease) => &lease.workload,
        }
    }

    /// The lease that it is, if it is one.
    pub fn lease(&self) -> Option<&Leased> {
        match self {
            Self::Lease(lease) => Some(lease),
            Self::Grant { .. } | Self::Waiver { .. } => None,
        }
    }

    /// The words for the kinds.
    pub const WORDS: [&'static str; 3] = ["grant", "waiver", "lease"];

    /// Of which kind it is, as the log says it of what is told by its id only.
    pub fn sort(&self) -> PrivilegeSort {
        match self {
            Self::Grant { .. } => PrivilegeSort::Grant,
            Self::Waiver { .. } => PrivilegeSort::Waiver,
            Self::Lease(_) => PrivilegeSort::Lease,
        }
    }

    /// The word for its kind.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Grant { .. } => "grant",
            Self::Waiver { .. } => "waiver",
            Self::Lease(_) => "lease",
        }
    }

    /// Whether it lifts rules.
    pub fn is_waiver(&self) -> bool {
        matches!(self, Self::Waiver { .. })
    }

    /// What the log says, when it is understood.
    pub fn of(kind: &PrivilegeKind) -> Option<Self> {
        Some(match kind {
            PrivilegeKind::Grant { elevation, role } => {
                Self::Grant { elevation: elevation.parse().ok()?, role: role.parse().ok()? }
            }
            PrivilegeKind::Waiver { waiver, lifts } => Self::Waiver {
                waiver: waiver.parse().ok()?,
                lifts: lifts.iter().map(|rule| rule.parse().ok()).collect::<Option<_>>()?,
            },
            PrivilegeKind::Lease(lease) => Self::Lease(Box::new(Leased::of(lease)?)),
        })
    }

    /// As the log says it.
    pub fn kind(&self) -> PrivilegeKind {
        match self {
            Self::Grant { elevation, role } => {
                PrivilegeKind::Grant { elevation: elevation.to_string(), role: role.to_string() }
            }
            Self::Waiver { waiver, lifts } => PrivilegeKind::Waiver {
                waiver: waiver.to_string(),
                lifts: lifts.iter().map(ToString::to_string).collect(),
            },
            Self::Lease(lease) => PrivilegeKind::Lease(Box::new(lease.written())),
        }
    }

    /// In words: "the role `r`", "to lift `a` and `b`".
    pub fn told(&self) -> String {
        match self {
            Self::Grant { role, .. } => format!("what the role `{role}` is granted"),
            Self::Waiver { lifts, .. } => {
                let lifts: Vec<_> = lifts.iter().map(|rule| format!("`{rule}`")).collect();
                format!("to lift {}", lifts.join(" and "))
            }
            Self::Lease(lease) => format!("a lease of the role `{}`", lease.role),
        }
    }
}

impl Leased {
    /// For how many pushes it is good.
    pub fn uses(&self) -> u32 {
        self.given.as_ref().map_or(0, |given| given.uses)
    }

    fn of(lease: &entry::Lease) -> Option<Self> {
        let claims = lease.claims.iter().map(|(claim, text)| Some((claim.parse().ok()?, text.clone())));
        Some(Self {
            workload: lease.workload.parse().ok()?,
            role: lease.role.parse().ok()?,
            verbs: lease.verbs.iter().map(|verb| Verb::parse(verb)).collect::<Option<_>>()?,
            commit: match &lease.commit {
                Some(hex) => Some(ObjectId::parse_hex(hex.as_bytes()).ok()?),
                None => None,
            },
            paths: if lease.paths.is_empty() { None } else { Some(paths(&lease.paths).ok()?) },
            by_token: lease.by_token,
            issuer: lease.issuer.clone(),
            claims: claims.collect::<Option<_>>()?,
            given: lease.given.as_ref().map(|given| Given {
                uses: given.uses,
                token: given.token.clone(),
                token_expires: given.token_expires.timestamp(),
            }),
        })
    }

    fn written(&self) -> entry::Lease {
        entry::Lease {
            workload: self.workload.to_string(),
            role: self.role.to_string(),
            verbs: self.verbs.iter().map(|verb| verb.as_str().to_owned()).collect(),
            commit: self.commit.as_ref().map(ToString::to_string),
            paths: self.paths.iter().flat_map(PathSet::sources).collect(),
            by_token: self.by_token,
            issuer: self.issuer.clone(),
            claims: self.claims.iter().map(|(claim, text)| (claim.to_string(), text.clone())).collect(),
            given: self.given.as_ref().map(|given| entry::LeaseGiven {
                uses: given.uses,
                token: given.token.clone(),
                token_expires: given.token_expires.into(),
            }),
        }
    }
}

/// What somebody asks for.
#[derive(Debug, Clone)]
pub struct Ask {
    /// A role, or rules to lift.
    pub wanted: Wanted,
    /// In which repositories.
    pub on: RepositorySet,
    /// On which refs.
    pub refs: RefSet,
    /// For how long.
    pub length: Duration,
    /// Why.
    pub reason: String,
}

/// What is wanted, before it is known which rule allows it.
#[derive(Debug, Clone)]
pub enum Wanted {
    /// What is granted to this role.
    Role(RoleId),
    /// To lift these rules.
    Lift(BTreeSet<RuleId>),
}

/// The repositories that these patterns match.
pub(super) fn repositories(patterns: &[String]) -> Result<RepositorySet, PatternError> {
    let parsed = patterns.iter().map(|one| RepositorySet::parse_one(one)).collect::<Result<Vec<_>, _>>()?;
    RepositorySet::new(parsed)
}

/// The refs that these patterns match.
pub(super) fn refs(patterns: &[String]) -> Result<RefSet, PatternError> {
    let parsed = patterns.iter().map(|one| RefSet::parse_one(one)).collect::<Result<Vec<_>, _>>()?;
    RefSet::new(parsed)
}

/// The paths that these patterns match.
fn paths(patterns: &[String]) -> Result<PathSet, PatternError> {
    let parsed = patterns.iter().map(|one| PathSet::parse_one(one)).collect::<Result<Vec<_>, _>>()?;
    PathSet::new(parsed)
}

/// What patterns may still weigh.
pub struct Room(usize);

impl Default for Room {
    fn default() -> Self {
        Self(MAX_PATTERNS)
    }
}

impl Room {
    /// Makes room for one more pattern, where there is any.
    #[must_use]
    pub fn holds(&mut self, pattern: &Pattern) -> bool {
        let left = self.0.checked_sub(pattern.weight());
        self.0 = left.unwrap_or_default();
        left.is_some()
    }
}

/// Whether it is a regular expression, excluded or not: those are for whoever writes policies.
pub fn is_regex(pattern: &str) -> bool {
    pattern.strip_prefix('!').unwrap_or(pattern).starts_with("re:")
}

impl Ask {
    /// Reads what somebody asks for. How much it is, is looked at before it is read: anybody may ask.
    ///
    /// # Errors
    /// When a pattern is none, or there are too many or too long ones.
    pub fn new(
        wanted: Wanted,
        on: &[String],
        refs: &[String],
        length: Duration,
        reason: String,
    ) -> Result<Self, PrivilegeError> {
        let all = || on.iter().chain(refs);
        if all().count() > MOST_PATTERNS || all().map(String::len).sum::<usize>() > MAX_PATTERNS {
            return Err(PrivilegeError::LongPatterns);
        }
        if let Some(regex) = all().find(|one| is_regex(one)) {
            return Err(PrivilegeError::Regex(regex.clone()));
        }
        let mut room = Room::default();
        let on = RepositorySet::new(within(&mut room, on, RepositorySet::parse_one)?)?;
        let refs = RefSet::new(within(&mut room, refs, RefSet::parse_one)?)?;
        Ok(Self { wanted, on, refs, length, reason })
    }
}

fn within(
    room: &mut Room,
    patterns: &[String],
    parse: impl Fn(&str) -> Result<(bool, Pattern), PatternError>,
) -> Result<Vec<(bool, Pattern)>, PrivilegeError> {
    let one = |source: &String| {
        let (excludes, pattern) = parse(source)?;
        if room.holds(&pattern) { Ok((excludes, pattern)) } else { Err(PrivilegeError::LongPatterns) }
    };
    patterns.iter().map(one).collect()
}
