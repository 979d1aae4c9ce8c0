"""Plans that weigh risk: an adversary over curve draws, and the blend he leaves."""
