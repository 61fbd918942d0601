//! Names that stand for something else in the policy: whether it is there is known when all files are read.

use std::{collections::BTreeMap, ops::Range};

use super::{draft::Draft, suggest::did_you_mean};
use crate::{
    fault::Collector,
    name::{RoleId, RuleId},
    rule::built_in_id,
};

/// A place in one of the files.
pub(super) struct Place {
    pub(super) file: usize,
    pub(super) span: Range<usize>,
}

/// What kind of rule is named.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mention {
    Grant,
    Block,
    Require,
    Waiver,
    Elevation,
    Workload,
    /// What a waiver may lift: a block that is not absolute, or a require.
    Liftable,
}

impl Mention {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Grant => "grant",
            Self::Block => "block",
            Self::Require => "require",
            Self::Waiver => "waiver",
            Self::Elevation => "elevation",
            Self::Workload => "workload",
            Self::Liftable => "block or require",
        }
    }
}

/// What a rule is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Grant,
    Block { absolute: bool },
    Require,
    Waiver,
    Elevation,
    Workload,
}

impl Kind {
    const fn is(self, meant: Mention) -> bool {
        match meant {
            Mention::Grant => matches!(self, Self::Grant),
            Mention::Block => matches!(self, Self::Block { .. }),
            Mention::Require => matches!(self, Self::Require),
            Mention::Waiver => matches!(self, Self::Waiver),
            Mention::Elevation => matches!(self, Self::Elevation),
            Mention::Workload => matches!(self, Self::Workload),
            Mention::Liftable => matches!(self, Self::Block { absolute: false } | Self::Require),
        }
    }

    /// How it would be named rightly, where something else was meant.
    fn instead(self, meant: Mention, rule: &RuleId) -> String {
        match (self, meant) {
            (Self::Block { absolute: true }, Mention::Liftable) => {
                format!("`{rule}` is an absolute block: no waiver lifts it")
            }
            (Self::Grant, Mention::Block | Mention::Require) => {
                format!("`{rule}` is a grant: expect `permitted:{rule}`")
            }
            (Self::Block { .. }, Mention::Grant | Mention::Require) => {
                format!("`{rule}` is a block: expect `refused:blocked:{rule}`")
            }
            (Self::Require, Mention::Grant | Mention::Block) => format!(
                "`{rule}` is a require: expect what it asks for, as in `refused:pull-request-required:{rule}`"
            ),
            (Self::Elevation, _) => format!("`{rule}` is an elevation"),
            _ => format!("`{rule}` is a {}", self.as_str()),
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Grant => "grant",
            Self::Block { .. } => "block",
            Self::Require => "require",
            Self::Waiver => "waiver",
            Self::Elevation => "elevation",
            Self::Workload => "workload",
        }
    }
}

impl Draft<'_, '_> {
    /// Roles that are named and not defined.
    pub(super) fn check_mentions(&self, faults: &mut Collector) {
        for (role, place) in self.mentions.iter().filter(|(role, _)| !self.roles.contains_key(role)) {
            let Some(source) = self.sources.get(place.file) else { continue };
            let names = || self.roles.keys().map(RoleId::as_str);
            let meant = faults.may_suggest().then(|| did_you_mean(role.as_str(), names())).flatten();
            let help = meant.unwrap_or_else(|| format!("define it: a `[[role]]` with `id = \"{role}\"`"));
            faults.add(|| source.fault(place.span.clone(), format!("there is no role `{role}`"), Some(help)));
        }
    }

    /// Rules that are named and not there, or are something else.
    pub(super) fn check_rule_mentions(&self, faults: &mut Collector) {
        let kinds = self.kinds();
        for (rule, meant, place) in &self.rule_mentions {
            let kind = kinds.get(rule);
            // A rule that is there and faulty is of no kind.
            let is_faulty = kind.is_none() && self.rules.contains_key(rule);
            let is_built_in = *meant == Mention::Block && built_in_id(rule.as_str()).is_some();
            if kind.is_some_and(|kind| kind.is(*meant)) || is_faulty || is_built_in {
                continue;
            }
            let help = match kind {
                Some(kind) => Some(kind.instead(*meant, rule)),
                None if faults.may_suggest() => {
                    let meant = kinds.iter().filter(|(_, kind)| kind.is(*meant)).map(|(id, _)| id.as_str());
                    did_you_mean(rule.as_str(), meant)
                }
                None => None,
            };
            let Some(source) = self.sources.get(place.file) else { continue };
            let message = format!("there is no {} `{rule}`", meant.as_str());
            faults.add(|| source.fault(place.span.clone(), message, help));
        }
    }

    fn kinds(&self) -> BTreeMap<&RuleId, Kind> {
        let parts = &self.parts;
        let grants = parts.grants.iter().map(|rule| (&rule.id, Kind::Grant));
        let blocks = parts.blocks.iter().map(|rule| (&rule.id, Kind::Block { absolute: rule.absolute }));
        let requires = parts.requires.iter().map(|rule| (&rule.id, Kind::Require));
        let waivers = parts.waivers.iter().map(|rule| (&rule.id, Kind::Waiver));
        let elevations = parts.elevations.iter().map(|rule| (&rule.id, Kind::Elevation));
        let workloads = parts.workloads.iter().map(|rule| (&rule.id, Kind::Workload));
        grants.chain(blocks).chain(requires).chain(waivers).chain(elevations).chain(workloads).collect()
    }
}
