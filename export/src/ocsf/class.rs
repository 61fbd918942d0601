//! What events are called, and what of one is its own.

use oam_audit::entry::PrincipalKind;
use serde_json::{Value, json};

/// The name that our events bear.
pub(super) const PRODUCT: &str = "Bitbucket OAM";

/// What a class and an activity are called.
pub(super) struct Class {
    pub(super) uid: u64,
    pub(super) name: &'static str,
    pub(super) category: (u64, &'static str),
    pub(super) activity: (u64, &'static str),
}

pub(super) const IAM: (u64, &str) = (3, "Identity & Access Management");
pub(super) const APPLICATION: (u64, &str) = (6, "Application Activity");

pub(super) fn api(activity: (u64, &'static str)) -> Class {
    Class { uid: 6003, name: "API Activity", category: APPLICATION, activity }
}

pub(super) fn entity(activity: (u64, &'static str)) -> Class {
    Class { uid: 3004, name: "Entity Management", category: IAM, activity }
}

pub(super) fn access(activity: (u64, &'static str)) -> Class {
    Class { uid: 3005, name: "User Access Management", category: IAM, activity }
}

pub(super) fn lifecycle(activity: (u64, &'static str)) -> Class {
    Class { uid: 6002, name: "Application Lifecycle", category: APPLICATION, activity }
}

pub(super) const CREATE: (u64, &str) = (1, "Create");
pub(super) const UPDATE: (u64, &str) = (3, "Update");
pub(super) const DELETE: (u64, &str) = (4, "Delete");
pub(super) const OTHER: (u64, &str) = (99, "Other");

pub(super) const INFORMATIONAL: (u64, &str) = (1, "Informational");
pub(super) const LOW: (u64, &str) = (2, "Low");
pub(super) const MEDIUM: (u64, &str) = (3, "Medium");
pub(super) const HIGH: (u64, &str) = (4, "High");

pub(super) const SUCCESS: (u64, &str) = (1, "Success");
pub(super) const FAILURE: (u64, &str) = (2, "Failure");

/// An event before what all events have.
pub(super) struct Draft {
    pub(super) class: Class,
    pub(super) severity: (u64, &'static str),
    pub(super) status: (u64, &'static str),
    /// What belongs to the class.
    pub(super) own: Value,
    /// What ties events together.
    pub(super) correlation: Option<String>,
}

pub(super) fn user(name: &str, kind: Option<PrincipalKind>) -> Value {
    let (id, kind) = match kind {
        Some(PrincipalKind::User) => (1, "User"),
        Some(PrincipalKind::Service) => (4, "Service"),
        Some(PrincipalKind::Unknown) | None => (0, "Unknown"),
    };
    json!({ "name": name, "type_id": id, "type": kind })
}
