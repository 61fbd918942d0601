//! The names of the field. Each is parsed once, at the door; past it there are no bare strings.

mod claim_path;
mod digest;
mod group_name;
mod object_id;
mod privilege_id;
mod ref_name;
mod repository;
mod rule_id;
mod tree_path;
mod username;

pub use claim_path::{ClaimPath, PathError};
pub use digest::{Digest, DigestError};
pub use group_name::{GroupName, GroupNameError};
pub use object_id::{ObjectFormat, ObjectId, ObjectIdError};
pub use privilege_id::{PrivilegeId, PrivilegeIdError};
pub use ref_name::{RefName, RefNameError};
pub use repository::{Repository, RepositoryError};
pub use rule_id::{IdError, RoleId, RuleId};
pub use tree_path::{TreePath, TreePathError};
pub use username::{Username, UsernameError, UsernameKey};
