import pytest

from jobs.broker import keys


@pytest.mark.parametrize("organization_id", [0, 7, 9_223_372_036_854_775_807, None])
def test_an_owner_says_whose_it_is(organization_id):
    owner = keys.owner(organization_id)

    assert keys.organization_id(owner.encode()) == organization_id


def test_data_of_an_organization_lies_under_its_prefix():
    assert keys.queue("notifications", 7) == "org:7:notifications"
    assert keys.messages("notifications", 7).startswith("org:7:")


def test_shared_keys_name_no_organization():
    shared = [*keys.shared("audit"), keys.leases("audit", "host:1:ab")]

    assert not [key for key in shared if key.startswith("org:")]
    assert len(set(shared)) == len(shared)


@pytest.mark.parametrize("group", ["", "a:b", "a b", "7", "a\n"])
def test_a_group_cannot_be_named_like_a_part_of_a_key(group):
    with pytest.raises(ValueError, match="cannot name a queue group"):
        keys.shared(group)
