//! Branching models: which branch is for development and which for production, and how branches of each category begin.

use std::collections::BTreeMap;

use oam_policy::Repository;
use serde::Deserialize;

use crate::{
    client::{Ask, BRANCHES, Bitbucket},
    error::Error,
    project,
};

/// The branching model of a repository.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct BranchModel {
    /// The branch for development, by its full name.
    pub development: Option<String>,
    /// The branch for production, by its full name.
    pub production: Option<String>,
    /// What branches of a category begin with, as in `RELEASE` and `release/`. Those that are not in use are left out.
    pub prefixes: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
struct Wire {
    #[serde(default)]
    development: Option<Branch>,
    #[serde(default)]
    production: Option<Branch>,
    #[serde(default)]
    types: Vec<Category>,
}

#[derive(Debug, Deserialize)]
struct Branch {
    id: String,
}

#[derive(Debug, Deserialize)]
struct Category {
    id: String,
    prefix: String,
}

impl Bitbucket {
    /// The branching model of a repository; `None` when it has none, or no branches.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn branch_model(&self, repository: &Repository) -> Result<Option<BranchModel>, Error> {
        let path = format!("{}/branchmodel", project::repository_path(BRANCHES, repository));
        let ask = Ask::get(format!("reading the branching model of {repository}"), path);
        match self.read::<Wire>(ask).await {
            Ok(wire) => Ok(Some(wire.into())),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }
}

impl From<Wire> for BranchModel {
    fn from(wire: Wire) -> Self {
        let Wire { development, production, types } = wire;
        // A category without a prefix would be every branch.
        let used = types.into_iter().filter(|category| !category.prefix.is_empty());
        Self {
            development: development.map(|branch| branch.id),
            production: production.map(|branch| branch.id),
            prefixes: used.map(|category| (category.id, category.prefix)).collect(),
        }
    }
}
