use super::AdminRole;

/// What a call does, and so who may make it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Tells what is in force. Whoever holds a role may.
    Look,
    /// Tells about somebody. Whoever holds a role may, and everybody about themselves.
    LookOrOwn,
    /// Tells what people have for a while. Whoever holds a role may, and everybody of the directory.
    LookOrPerson,
    /// Asks for something for oneself, or answers others: everybody of the directory may, as far as the policy says.
    Person,
    /// Takes from somebody what they have for a while, or says no to it: everybody of the directory may, as far as the
    /// policy says, and whoever cuts people off may anyhow.
    OperateOrPerson,
    /// Tells what was recorded of everybody's pushes.
    Audit,
    /// Cuts somebody off, or undoes that.
    Operate,
    /// Changes what decides pushes, or who may decide about that.
    Govern,
}

impl Class {
    /// Every one.
    pub const ALL: [Self; 8] = [
        Self::Look,
        Self::LookOrOwn,
        Self::LookOrPerson,
        Self::Person,
        Self::OperateOrPerson,
        Self::Audit,
        Self::Operate,
        Self::Govern,
    ];

    /// Whether everybody of the directory may, as far as the policy says.
    pub const fn takes_people(self) -> bool {
        match self {
            Self::LookOrPerson | Self::Person | Self::OperateOrPerson => true,
            Self::Look | Self::LookOrOwn | Self::Audit | Self::Operate | Self::Govern => false,
        }
    }

    /// Whether whoever holds `role` may.
    pub const fn takes(self, role: AdminRole) -> bool {
        match (self, role) {
            // An administrator who is somebody of the directory speaks for themselves as well.
            (_, AdminRole::Admin)
            | (Self::Look | Self::LookOrOwn | Self::LookOrPerson, AdminRole::Operator | AdminRole::Auditor)
            | (Self::Audit, AdminRole::Auditor)
            | (Self::Operate | Self::OperateOrPerson, AdminRole::Operator) => true,
            (Self::Audit | Self::Govern | Self::Person, AdminRole::Operator)
            | (Self::Operate | Self::OperateOrPerson | Self::Govern | Self::Person, AdminRole::Auditor) => {
                false
            }
        }
    }
}

/// Declares the calls, so that none can be without a class.
macro_rules! calls {
    ($($call:ident: $class:ident,)*) => {
        /// A call of the admin service, by its name on the wire.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[expect(missing_docs, reason = "the `.proto` file documents them")]
        pub enum Call { $($call,)* }

        impl Call {
            /// Every one.
            pub const ALL: &[Self] = &[$(Self::$call,)*];

            /// Its name on the wire.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$call => stringify!($call),)* }
            }

            /// What it does.
            pub const fn class(self) -> Class {
                match self { $(Self::$call => Class::$class,)* }
            }
        }
    };
}

calls! {
    GetStatus: Look,
    GetBitbucket: Look,
    GetProvisioning: Look,
    // A directory decides who is in which group, and so who administers.
    ImportSnapshot: Govern,
    ShowSnapshot: Look,
    ListSnapshots: Look,
    DiffSnapshots: Look,
    RollBackSnapshot: Govern,
    ListSources: Look,
    GetSource: Look,
    // Says that what was lost was told again, and so lets decisions rest on it.
    SyncSource: Govern,
    PreviewSource: Look,
    // Forgets that somebody was deactivated.
    ForgetInSource: Govern,
    // Whoever has a token of a source writes the directory.
    RotateSourceToken: Govern,
    RevokeSourceToken: Operate,
    ListSecrets: Look,
    ListSignals: Look,
    // Whoever may be cut off by a transmitter hangs on its stream.
    SetUpSignals: Govern,
    VerifySignals: Operate,
    RemoveSignals: Govern,
    GetUser: LookOrOwn,
    DeactivateUser: Operate,
    ReactivateUser: Operate,
    // Tells of a change in Bitbucket, and gives nobody anything by that.
    BeginBitbucketChange: Operate,
    EndBitbucketChange: Operate,
    TellBitbucketAccounts: Operate,
    TellBitbucketDrift: Operate,
    TellBitbucketWatch: Operate,
    CheckPolicy: Look,
    ApplyPolicy: Govern,
    ShowPolicy: Look,
    ListPolicies: Look,
    RollBackPolicy: Govern,
    ListPolicyProposals: Look,
    ApprovePolicy: Govern,
    WithdrawPolicy: Govern,
    DiffPolicies: Look,
    ReplayPolicy: Audit,
    Explain: LookOrOwn,
    Who: Look,
    RequestPrivilege: Person,
    ListPrivileges: LookOrPerson,
    ApprovePrivilege: Person,
    EndPrivilege: OperateOrPerson,
    GetPrivilegeReport: LookOrPerson,
    SignOffPrivilege: Person,
    // Whoever reads what everybody did also says whether they still need to.
    AttestAccess: Audit,
    TailAudit: Audit,
    // Nobody can tell any more who somebody was.
    ErasePeople: Govern,
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use oam_proto::DESCRIPTORS;
    use prost::Message as _;
    use prost_types::{FileDescriptorSet, MethodDescriptorProto};

    use super::{AdminRole, Call, Class};

    #[test]
    fn every_call_on_the_wire_has_a_class() {
        let descriptors = FileDescriptorSet::decode(DESCRIPTORS).unwrap();
        let services = descriptors.file.iter().flat_map(|file| &file.service);
        let admin = services.into_iter().find(|service| service.name() == "Admin").unwrap();
        let on_the_wire: BTreeSet<_> = admin.method.iter().map(MethodDescriptorProto::name).collect();
        let classed: BTreeSet<_> = Call::ALL.iter().map(|call| call.as_str()).collect();
        assert_eq!(on_the_wire, classed);
    }

    #[test]
    fn who_may_what() {
        let table: Vec<String> = AdminRole::ALL
            .into_iter()
            .map(|role| {
                let calls =
                    Call::ALL.iter().filter(|call| call.class().takes(role)).map(|call| call.as_str());
                format!("{role}: {}", calls.collect::<Vec<_>>().join(" "))
            })
            .collect();
        let looks = "GetStatus GetBitbucket GetProvisioning ShowSnapshot ListSnapshots DiffSnapshots ListSources \
                     GetSource PreviewSource";
        let signals = "ListSecrets ListSignals";
        let policies = "CheckPolicy ShowPolicy ListPolicies ListPolicyProposals DiffPolicies";
        assert!(table[0].split(' ').count() == Call::ALL.len() + 1, "{}", table[0]);
        assert_eq!(
            table[1],
            format!(
                "operator: {looks} RevokeSourceToken {signals} VerifySignals GetUser DeactivateUser ReactivateUser \
                 BeginBitbucketChange EndBitbucketChange TellBitbucketAccounts TellBitbucketDrift TellBitbucketWatch {policies} Explain Who ListPrivileges EndPrivilege GetPrivilegeReport"
            )
        );
        assert_eq!(
            table[2],
            format!(
                "auditor: {looks} {signals} GetUser {policies} ReplayPolicy Explain Who ListPrivileges GetPrivilegeReport AttestAccess TailAudit"
            )
        );
        // Whoever may change the directory or the policy could give themselves everything.
        for call in Call::ALL.iter().filter(|call| call.class() == Class::Govern) {
            assert!(
                !call.class().takes(AdminRole::Operator) && !call.class().takes(AdminRole::Auditor),
                "{call:?}"
            );
        }
    }
}
