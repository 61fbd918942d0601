//! What is kept of a resource. A decision rests on few attributes; what an identity provider wants to find again when it
//! compares is kept beside them, and everything else (telephones, addresses, pictures, passwords) is dropped unread.

/// The schema of users.
pub const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// The schema of groups.
pub const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
/// What companies know of a user besides.
pub const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

/// The kinds of resources.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resource {
    /// A user.
    User,
    /// A group.
    Group,
}

/// The type of an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// A text that is compared exactly.
    ExactText,
    /// A point in time, as text.
    Time,
    /// The address of a resource of this kind.
    Reference(&'static str),
    /// True or false.
    Boolean,
    /// Attributes of its own.
    Complex(&'static [Attribute]),
}

/// Who writes an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// The client.
    ByClient,
    /// The client, once.
    Once,
    /// Only we.
    ByUs,
    /// The client, and nobody reads it.
    InVain,
}

/// An attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attribute {
    /// The canonical name.
    pub name: &'static str,
    /// The type of its values.
    pub kind: Kind,
    /// Whether it holds a list.
    pub many: bool,
    /// Whether it must be there.
    pub required: bool,
    /// Who writes it.
    pub written: Written,
    /// What it is.
    pub about: &'static str,
    /// The one value that it has, if it has but one.
    pub always: Option<&'static str>,
}

impl Attribute {
    const fn new(name: &'static str, kind: Kind, about: &'static str) -> Self {
        Self { name, kind, many: false, required: false, written: Written::ByClient, about, always: None }
    }

    const fn always(self, value: &'static str) -> Self {
        Self { always: Some(value), ..self }
    }

    const fn many(self) -> Self {
        Self { many: true, ..self }
    }

    const fn required(self) -> Self {
        Self { required: true, ..self }
    }

    const fn written(self, written: Written) -> Self {
        Self { written, ..self }
    }

    /// The attributes within it.
    pub const fn sub(&self) -> &'static [Self] {
        match self.kind {
            Kind::Complex(sub) => sub,
            _ => &[],
        }
    }
}

const fn text(name: &'static str, about: &'static str) -> Attribute {
    Attribute::new(name, Kind::Text, about)
}

const fn typed(value: Attribute) -> [Attribute; 4] {
    [
        value,
        text("display", "The value for people."),
        text("type", "What it is for, as in `work`."),
        Attribute::new("primary", Kind::Boolean, "Whether it is the first to use."),
    ]
}

const EMAIL: [Attribute; 4] = typed(text("value", "The address."));
const ROLE: [Attribute; 4] = typed(text("value", "The role."));

const NAME: [Attribute; 6] = [
    text("formatted", "The whole name."),
    text("familyName", "The family name."),
    text("givenName", "The given name."),
    text("middleName", "Further names."),
    text("honorificPrefix", "A title before the name."),
    text("honorificSuffix", "A title behind the name."),
];

const OF_GROUP: [Attribute; 4] = [
    Attribute::new("value", Kind::ExactText, "The group's id.").written(Written::ByUs),
    Attribute::new("$ref", Kind::Reference("Group"), "The group's address.").written(Written::ByUs),
    text("display", "The group's name.").written(Written::ByUs),
    text("type", "How they are in it.").written(Written::ByUs).always("direct"),
];

const MANAGER: [Attribute; 3] = [
    Attribute::new("value", Kind::ExactText, "The manager's id."),
    Attribute::new("$ref", Kind::Reference("User"), "The manager's address."),
    text("displayName", "The manager's name.").written(Written::ByUs),
];

const MEMBER: [Attribute; 4] = [
    Attribute::new("value", Kind::ExactText, "The member's id.").written(Written::Once),
    Attribute::new("$ref", Kind::Reference("User"), "The member's address.").written(Written::Once),
    text("type", "What kind of resource it is.").written(Written::Once).always("User"),
    text("display", "The member's name, which the user tells.").written(Written::ByUs),
];

const EXTERNAL_ID: Attribute = Attribute::new("externalId", Kind::ExactText, "The id at the client.");

/// A user's own attributes.
pub const USER_ATTRIBUTES: [Attribute; 14] = [
    text("userName", "The name to log in with; unique in the source, whatever its case.").required(),
    EXTERNAL_ID,
    Attribute::new("name", Kind::Complex(&NAME), "The parts of the name."),
    text("displayName", "The name for people."),
    text("nickName", "What they are called."),
    text("title", "What they do."),
    text("userType", "How they belong to the company."),
    text("preferredLanguage", "The language to speak to them in."),
    text("locale", "How dates and numbers are written."),
    text("timezone", "Where they are."),
    Attribute::new("active", Kind::Boolean, "Whether they may act. Taken away, they may not."),
    Attribute::new("emails", Kind::Complex(&EMAIL), "E-mail addresses.").many(),
    Attribute::new("roles", Kind::Complex(&ROLE), "Roles at the client; no decision rests on them.").many(),
    Attribute::new("groups", Kind::Complex(&OF_GROUP), "The groups that they are in.")
        .many()
        .written(Written::ByUs),
];

const ADDRESS: [Attribute; 7] = [
    unread("formatted"),
    unread("streetAddress"),
    unread("locality"),
    unread("region"),
    unread("postalCode"),
    unread("country"),
    unread("type"),
];
const VALUE: [Attribute; 2] = [unread("value"), unread("type")];

/// What a client may send of a user and nobody reads. It is told that it may: some of them send nothing at all where one
/// of these is unknown.
pub const UNREAD_ATTRIBUTES: [Attribute; 5] = [
    unread("password"),
    unread("profileUrl"),
    of_kind("phoneNumbers", &VALUE),
    of_kind("addresses", &ADDRESS),
    of_kind("photos", &VALUE),
];

const fn unread(name: &'static str) -> Attribute {
    text(name, "Dropped unread.").written(Written::InVain)
}

const fn of_kind(name: &'static str, sub: &'static [Attribute]) -> Attribute {
    Attribute::new(name, Kind::Complex(sub), "Dropped unread.").many().written(Written::InVain)
}

/// What companies know of a user besides.
pub const ENTERPRISE_ATTRIBUTES: [Attribute; 6] = [
    text("employeeNumber", "The number in the company."),
    text("costCenter", "Who pays."),
    text("organization", "The company."),
    text("division", "The division."),
    text("department", "The department."),
    Attribute::new("manager", Kind::Complex(&MANAGER), "Who leads them."),
];

/// A group's attributes.
pub const GROUP_ATTRIBUTES: [Attribute; 3] = [
    text("displayName", "The name; unique in the source, exactly.").required(),
    EXTERNAL_ID,
    Attribute::new("members", Kind::Complex(&MEMBER), "Who is in it.").many(),
];

impl Resource {
    /// The name of the kind.
    pub const fn name(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Group => "Group",
        }
    }

    /// Where they are found below the base address.
    pub const fn endpoint(self) -> &'static str {
        match self {
            Self::User => "Users",
            Self::Group => "Groups",
        }
    }

    /// The schema of its own attributes.
    pub const fn schema(self) -> &'static str {
        match self {
            Self::User => USER,
            Self::Group => GROUP,
        }
    }

    /// Its own attributes.
    pub const fn attributes(self) -> &'static [Attribute] {
        match self {
            Self::User => &USER_ATTRIBUTES,
            Self::Group => &GROUP_ATTRIBUTES,
        }
    }
}

/// The attribute of that name, in any case.
pub fn find(attributes: &'static [Attribute], name: &str) -> Option<&'static Attribute> {
    attributes.iter().find(|attribute| attribute.name.eq_ignore_ascii_case(name))
}
