package oam

import rego.v1

default permitted := false

permitted if {
	granted
	not blocked
}

granted if {
	some place in input.places
	some rule in data.rules[place].grants
	applies(rule)
	some role in rule.roles
	holds[role]
}

blocked if {
	some place in input.places
	some rule in data.rules[place].blocks
	applies(rule)
	not excepted(rule)
}

excepted(rule) if {
	some role in rule.roles
	holds[role]
}

applies(rule) if {
	rule.verbs[input.verb]
	rule.from <= input.now
	input.now < rule.to
	some pattern in rule.refs
	matches(pattern)
}

matches(pattern) if pattern.name == input.ref

matches(pattern) if startswith(input.ref, pattern.under)

matches(pattern) if startswith(input.ref, concat("", [pattern.own, input.user, "/"]))

# Only roles that one of the pusher's groups could give are looked at.
holds contains role if {
	some group in input.groups
	some role in data.roles_of[group]
	not lacks(role)
}

# `every` would say it shorter; on the virtual machine of regorus 0.14 it can hold although its body is undefined for one
# of the groups.
lacks(role) if {
	some group in data.roles[role]
	not input.is_in[group]
}
