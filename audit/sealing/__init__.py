"""How the log is put in order and closed, so that nobody can change it unseen.

event → audit_pending → batch with the next seq → Merkle tree → signed checkpoint

line     one event as the bytes that are hashed, and that leave the house
merkle   the tree over these lines, of one organization (RFC 6962)
keys     the keys that sign, and those that are trusted (Ed25519, C2SP signed notes)
heads    the signed head of a tree (C2SP checkpoint)
batch    seals what one organization has waiting
tick     does so for every organization, as the scheduler's work
"""
