"""A class for each state, a method for each kind of event."""


class State:
    def hear(self, peer):
        return self

    def ask(self, peer_silent):
        return self, False


class Primary(State):
    name = "primary"

    def hear(self, peer):
        return {"backup": ACTIVE, "active": PASSIVE}.get(peer, self)

    def ask(self, peer_silent):
        return (ACTIVE, True) if peer_silent else (self, False)


class Backup(State):
    name = "backup"

    def hear(self, peer):
        return PASSIVE if peer == "active" else self


class Active(State):
    name = "active"

    def hear(self, peer):
        if peer == "active":
            raise ValueError("there are two of us")
        return self

    def ask(self, peer_silent):
        return self, True


class Passive(State):
    name = "passive"

    def hear(self, peer):
        if peer == "passive":
            raise ValueError("nobody is active")
        return self if peer == "active" else ACTIVE

    def ask(self, peer_silent):
        return (ACTIVE, True) if peer_silent else (self, False)


ACTIVE, PASSIVE = Active(), Passive()
STATES = {each.name: each for each in (Primary(), Backup(), ACTIVE, PASSIVE)}


def react(state, event):
    me = STATES[state]
    if event.startswith("peer "):
        return me.hear(event.removeprefix("peer ")).name, None
    after, serves = me.ask(event.endswith("silent"))
    return after.name, serves
