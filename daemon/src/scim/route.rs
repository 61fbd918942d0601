use axum::http::Method;
use oam_scim::{Problem, Resource};

use super::{Answer, Asked, Hits, Query, discovery, group, user};

/// What an address below that of a source is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Route {
    ServiceProviderConfig,
    ResourceTypes(Option<String>),
    Schemas(Option<String>),
    All(Resource),
    One(Resource, String),
    /// A query in a body, over all resources or those of a kind.
    Search(Option<Resource>),
}

/// The source that an address names, and what follows it.
pub(super) fn source(path: &str) -> Option<(&str, &str)> {
    let rest = path.strip_prefix("/scim/v2/")?;
    let (name, rest) = rest.split_once('/').unwrap_or((rest, ""));
    (!name.is_empty()).then_some((name, rest))
}

impl Route {
    pub(super) fn parse(rest: &str) -> Result<Self, Problem> {
        let mut parts = rest.trim_end_matches('/').split('/');
        let first = parts.next().unwrap_or_default();
        let second = parts.next().map(str::to_owned);
        let route = match (first, second) {
            ("ServiceProviderConfig", None) => Some(Self::ServiceProviderConfig),
            ("ResourceTypes", id) => Some(Self::ResourceTypes(id)),
            ("Schemas", id) => Some(Self::Schemas(id)),
            ("Users", None) => Some(Self::All(Resource::User)),
            ("Users", Some(id)) if id == ".search" => Some(Self::Search(Some(Resource::User))),
            ("Users", Some(id)) => Some(Self::One(Resource::User, id)),
            (".search", None) => Some(Self::Search(None)),
            ("Groups", None) => Some(Self::All(Resource::Group)),
            ("Groups", Some(id)) if id == ".search" => Some(Self::Search(Some(Resource::Group))),
            ("Groups", Some(id)) => Some(Self::One(Resource::Group, id)),
            _ => None,
        };
        route
            .filter(|_| parts.next().is_none())
            .ok_or_else(|| Problem::other(404, "there is nothing at this address: `Users` and `Groups` are"))
    }

    /// Makes sure that the method is one for this address, before its body is read.
    ///
    /// # Errors
    /// When it is not.
    pub(super) fn check(&self, method: &Method) -> Result<(), Problem> {
        let may = match self {
            Self::ServiceProviderConfig | Self::ResourceTypes(_) | Self::Schemas(_) => &[Method::GET][..],
            Self::All(_) => &[Method::GET, Method::POST],
            Self::One(..) => &[Method::GET, Method::PUT, Method::PATCH, Method::DELETE],
            Self::Search(_) => &[Method::POST],
        };
        if may.contains(method) { Ok(()) } else { Err(not_so()) }
    }

    pub(super) async fn answer(&self, asked: &Asked<'_>) -> Result<Answer, Problem> {
        let method = &asked.method;
        match self {
            Self::ServiceProviderConfig if method == Method::GET => Ok(discovery::config(asked)),
            Self::ResourceTypes(id) if method == Method::GET => {
                discovery::resource_types(asked, id.as_deref())
            }
            Self::Schemas(id) if method == Method::GET => discovery::schemas(asked, id.as_deref()),
            Self::Search(kind) => search(asked, *kind),
            Self::All(Resource::User) if method == Method::GET => user::list(asked),
            Self::All(Resource::User) if method == Method::POST => user::create(asked).await,
            Self::One(Resource::User, id) => match *method {
                Method::GET => user::get(asked, id),
                Method::PUT => user::replace(asked, id).await,
                Method::PATCH => user::patch(asked, id).await,
                Method::DELETE => user::delete(asked, id).await,
                _ => Err(not_so()),
            },
            Self::All(Resource::Group) if method == Method::GET => group::list(asked),
            Self::All(Resource::Group) if method == Method::POST => group::create(asked).await,
            Self::One(Resource::Group, id) => match *method {
                Method::GET => group::get(asked, id),
                Method::PUT => group::replace(asked, id).await,
                Method::PATCH => group::patch(asked, id).await,
                Method::DELETE => group::delete(asked, id).await,
                _ => Err(not_so()),
            },
            _ => Err(not_so()),
        }
    }
}

/// Users first, and then groups, on pages over both; or one of them.
fn search(asked: &Asked<'_>, kind: Option<Resource>) -> Result<Answer, Problem> {
    let query = Query::of_body(&asked.body)?;
    let mut hits = Hits::of(query.page()?);
    if kind != Some(Resource::Group) {
        user::search(asked, &query, &mut hits)?;
    }
    if kind != Some(Resource::User) {
        group::search(asked, &query, &mut hits)?;
    }
    Ok(hits.answer(asked, &query.projection()))
}

fn not_so() -> Problem {
    Problem::other(405, "this is not done here")
}
