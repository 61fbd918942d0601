//! Changes of a policy's shape.

use toml::{Table, Value};

/// The way to a value: keys, and numbers of elements.
pub(crate) type Place = Vec<String>;

/// What is done to a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    Drop,
    Misspell,
    Empty,
    ToBoolean,
    ToNumber,
    ToText,
    ToMoment,
    ToList,
    ToTable,
}

impl Change {
    pub(crate) const ALL: [Self; 9] = [
        Self::Drop,
        Self::Misspell,
        Self::Empty,
        Self::ToBoolean,
        Self::ToNumber,
        Self::ToText,
        Self::ToMoment,
        Self::ToList,
        Self::ToTable,
    ];

    /// Whether the shape of the file is all that it takes to judge it. Whoever drops a role, drops what others name;
    /// whoever drops a pattern, may leave nothing but exclusions; and an approver is a name or a list
    /// of roles that must be there.
    pub(crate) fn is_of_shape_alone(self, place: &Place) -> bool {
        let holds_rules = ["role", "grant", "block", "require", "waiver", "elevation", "workload", "test"]
            .contains(&place[0].as_str());
        let is_rules = holds_rules && place.len() <= 2;
        let is_element = place.last().is_some_and(|last| last.parse::<usize>().is_ok());
        let names_people = place.contains(&"approved_by".to_owned());
        // Which claim a workload must name is told by its profile.
        let is_claim = place.len() == 4 && place[2] == "claims";
        match self {
            Self::Drop | Self::Misspell if is_claim => false,
            Self::Drop => !is_rules && !is_element,
            Self::Empty => !is_rules,
            Self::ToList => !is_rules && !names_people,
            Self::ToMoment => !names_people,
            _ => true,
        }
    }

    /// Makes it, where it makes a difference: whether it did.
    pub(crate) fn make(self, place: &Place, policy: &mut Table) -> bool {
        let Some((last, way)) = place.split_last() else { return false };
        let home = match way {
            [] => None,
            way => Some(of_key(policy, &way.join("."))),
        };
        match home {
            Some(Value::Array(list)) => {
                let index: usize = last.parse().unwrap();
                match self {
                    Self::Drop => drop(list.remove(index)),
                    // An element has no name.
                    Self::Misspell => return false,
                    _ => return self.of_value(&mut list[index]),
                }
            }
            Some(Value::Table(table)) => return self.of_entry(last, table),
            Some(_) => return false,
            None => return self.of_entry(last, policy),
        }
        true
    }

    fn of_entry(self, key: &str, table: &mut Table) -> bool {
        match self {
            Self::Drop => drop(table.remove(key)),
            Self::Misspell => {
                let value = table.remove(key).unwrap();
                table.insert(format!("{key}x"), value);
            }
            _ => return self.of_value(&mut table[key]),
        }
        true
    }

    fn of_value(self, value: &mut Value) -> bool {
        let other = match (self, &*value) {
            (Self::Empty, Value::Array(list)) if !list.is_empty() => Value::Array(Vec::new()),
            (Self::Empty, Value::Table(table)) if !table.is_empty() => Value::Table(Table::new()),
            (Self::Empty, Value::String(text)) if !text.is_empty() => Value::String(String::new()),
            (Self::ToBoolean, _) => Value::Boolean(true),
            (Self::ToNumber, _) => Value::Integer(1),
            (Self::ToText, _) => Value::String("text".into()),
            // To a schema a date-time is a string.
            (Self::ToMoment, Value::String(_)) => return false,
            (Self::ToMoment, _) => Value::Datetime("2026-01-01T00:00:00Z".parse().unwrap()),
            (Self::ToList, _) => Value::Array(vec![value.clone()]),
            (Self::ToTable, _) => Value::Table([("x".to_owned(), value.clone())].into_iter().collect()),
            _ => return false,
        };
        let same = std::mem::discriminant(&other) == std::mem::discriminant(value);
        if same && self != Self::Empty && self != Self::ToTable {
            return false;
        }
        *value = other;
        true
    }
}

/// Every value of a policy.
pub(crate) fn places(policy: &Table) -> Vec<Place> {
    let mut all = Vec::new();
    for (key, value) in policy {
        collect(vec![key.clone()], value, &mut all);
    }
    all
}

fn collect(place: Place, value: &Value, all: &mut Vec<Place>) {
    let mut deeper = |key: String, value: &Value| {
        let mut place = place.clone();
        place.push(key);
        collect(place, value, all);
    };
    match value {
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(index, value)| deeper(index.to_string(), value));
        }
        Value::Table(table) => table.iter().for_each(|(key, value)| deeper(key.clone(), value)),
        _ => {}
    }
    all.push(place);
}

/// The value at `role.0.id`.
pub(crate) fn of_key<'p>(policy: &'p mut Table, key: &str) -> &'p mut Value {
    let mut keys = key.split('.');
    let mut value = &mut policy[keys.next().unwrap()];
    for key in keys {
        value = match key.parse::<usize>() {
            Ok(index) => &mut value[index],
            Err(_) => &mut value[key],
        };
    }
    value
}
