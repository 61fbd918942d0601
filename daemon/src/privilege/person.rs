use oam_policy::Username;

/// Who asks or answers: somebody of the directory, as the daemon knows them.
#[derive(Debug, Clone)]
pub struct Person {
    /// Their username.
    pub username: Username,
    /// As the audit log names them.
    pub actor: String,
}
