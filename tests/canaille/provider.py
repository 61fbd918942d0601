"""Canaille, a real identity provider, told what to do line by line; it pushes what changes by SCIM as it always does.

    provider.py FOLDER BASE TOKEN

Each line on standard input is answered by one on standard output, when Canaille has pushed what it is about:
`create USER`, `join GROUP USER`, `leave GROUP USER`, `lock USER`, `unlock USER`, `delete USER`.
"""

import datetime
import sys

from canaille import create_app
from canaille.app import models
from canaille.backends import Backend

folder, base, token = sys.argv[1:]
now = datetime.datetime.now(datetime.timezone.utc)

app = create_app(
    {
        "SECRET_KEY": "of the tests",
        "SERVER_NAME": "localhost",
        "CANAILLE": {"DATABASE": "sql"},
        "CANAILLE_SQL": {"DATABASE_URI": f"sqlite:///{folder}/canaille.sqlite"},
        "CANAILLE_SCIM": {"ENABLE_CLIENT": True},
        "CANAILLE_OIDC": {},
    }
)


def save(model):
    Backend.instance.save(model)
    return model


def user(name):
    return Backend.instance.get(models.User, user_name=name)


def group(name, member):
    """The group; there is none without members."""
    found = Backend.instance.get(models.Group, display_name=name)
    return found or models.Group(display_name=name, members=[member])


def move(name, who, is_in):
    there = group(name, who)
    others = [member for member in there.members if member.id != who.id]
    there.members = [*others, who] if is_in else others
    save(there)


def carry_out(words):
    match words:
        case ["create", name]:
            save(models.User(user_name=name, family_name=name, formatted_name=name, emails=[f"{name}@example.com"]))
        case ["join", to, name]:
            move(to, user(name), True)
        case ["leave", whence, name]:
            move(whence, user(name), False)
        case ["lock", name]:
            locked = user(name)
            locked.lock_date = now
            save(locked)
        case ["unlock", name]:
            unlocked = user(name)
            unlocked.lock_date = None
            save(unlocked)
        case ["delete", name]:
            Backend.instance.delete(user(name))
        case _:
            raise ValueError(words)


with app.app_context(), app.backend.session():
    client = save(
        models.Client(
            client_id="oam", client_secret="unused", client_name="oam", client_uri=base, scope=["openid"]
        )
    )
    # Canaille would make a token of its own, which the daemon does not know.
    save(
        models.Token(
            token_id="scim",
            access_token=token,
            client=client,
            subject=None,
            audience=[client],
            refresh_token="unused",
            scope=["openid", "profile"],
            issue_date=now,
            lifetime=86_400,
        )
    )

print("ready", flush=True)
for line in sys.stdin:
    with app.app_context(), app.backend.session():
        carry_out(line.split())
    print("done", flush=True)
