use std::collections::{BTreeMap, BTreeSet};

use oam_policy::Repository;

use crate::{
    Bitbucket, BranchModel, Error, model,
    permission::{Holder, Place},
    provision::{self, Around, Reading, Seen},
};

/// All that was read in Bitbucket.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// Projects, repositories, users, groups, and what is given to them.
    pub seen: Seen,
    /// What everybody may do, and branch restrictions.
    pub around: Around,
    /// Who is in those groups to which something is given, or to which a restriction does not apply.
    pub members: BTreeMap<Holder, BTreeSet<Holder>>,
    /// The branching models of those repositories where a restriction goes by one; `None`: there is none.
    pub models: BTreeMap<Repository, Option<BranchModel>>,
    /// How many projects there are that are somebody's own. They are not looked at.
    pub personal: usize,
}

/// Reads what a policy can be made of.
///
/// # Errors
/// When anything cannot be read: nothing is taken for missing that was not looked at.
pub async fn read(bitbucket: &Bitbucket) -> Result<Found, Error> {
    let seen = provision::see(bitbucket, Seen::default(), Reading { now: 1, within: 0 }).await?;
    let around = provision::look_around(bitbucket, &seen, false).await?;
    let all = bitbucket.projects().await?;
    let personal = all.iter().filter(|project| project.as_str().starts_with('~')).count();
    let mut found = Found { seen, around, personal, ..Found::default() };
    for group in found.groups_with_a_part() {
        let members = bitbucket.members(group.name()).await?;
        let members = members.iter().filter_map(|name| Holder::user(name)).collect();
        found.members.insert(group, members);
    }
    for repository in found.repositories_with_a_model() {
        let model = bitbucket.branch_model(&repository).await?;
        found.models.insert(repository, model);
    }
    Ok(found)
}

impl Found {
    /// Every repository, in order.
    pub fn repositories(&self) -> impl Iterator<Item = &Repository> {
        self.seen.places.is.iter().filter_map(|place| match place {
            Place::Repository(repository) => Some(repository),
            Place::Project(_) => None,
        })
    }

    /// The restrictions that hold in a repository: its own, and its project's.
    pub fn restrictions(&self, repository: &Repository) -> impl Iterator<Item = &crate::Restriction> {
        let here = |place: &Place| model::holds(place, repository);
        self.around.restrictions.iter().filter(move |(place, _)| here(place)).map(|(_, one)| one)
    }

    /// The branching model of a repository, if it was read and there is one.
    pub fn model(&self, repository: &Repository) -> Option<&BranchModel> {
        self.models.get(repository)?.as_ref()
    }

    /// A group by the name that Bitbucket writes; `None`: there is no such group.
    pub fn group(&self, name: &str) -> Option<Holder> {
        let wanted = Holder::group(name)?;
        self.seen.groups.is.iter().filter_map(|name| Holder::group(name)).find(|group| *group == wanted)
    }

    fn groups_with_a_part(&self) -> BTreeSet<Holder> {
        let there: BTreeSet<_> = self.seen.groups.is.iter().filter_map(|name| Holder::group(name)).collect();
        let everywhere = self.seen.everywhere.is.iter().map(|one| one.holder.clone());
        let given =
            self.seen.permissions.values().flat_map(|known| &known.is).map(|(holder, _)| holder.clone());
        let exempt = self.around.restrictions.iter().flat_map(|(_, one)| &one.groups);
        let exempt = exempt.filter_map(|name| Holder::group(name));
        let named: BTreeSet<_> = everywhere.chain(given).chain(exempt).collect();
        // By the names that Bitbucket writes; of a group that is gone nobody is a member.
        there.into_iter().filter(|group| named.contains(group)).collect()
    }

    fn repositories_with_a_model(&self) -> Vec<Repository> {
        let by_model: Vec<_> = self
            .around
            .restrictions
            .iter()
            .filter(|(_, one)| one.matcher.kind.needs_model())
            .map(|(place, _)| place)
            .collect();
        let wanted = |repository: &&Repository| by_model.iter().any(|place| model::holds(place, repository));
        self.repositories().filter(wanted).cloned().collect()
    }
}
