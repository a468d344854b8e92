"""Plausible names for the demo: organizations, people, missions. None of them exists."""

ORGANIZATIONS = (
    "Alder Survey", "Basalt Mining", "Cedar Clinics", "Delta Water", "Ember Fire Watch",
    "Fjord Ferries", "Glacier Research", "Heron Habitat", "Iris Optics", "Juniper Rescue",
    "Kestrel Couriers", "Lumen Grid", "Meadow Farms", "Nimbus Weather", "Orchard Schools",
    "Pine Ridge Parks", "Quarry Works", "River Patrol", "Summit Guides", "Tundra Transport",
    "Umbra Studios", "Vela Marine", "Willow Care", "Xenia Hostels", "Yarrow Labs", "Zephyr Wind",
    "Anchor Housing", "Birch Archive",
)  # fmt: skip
FIRST = (
    "Amina", "Bruno", "Chiara", "Dario", "Elif", "Farid", "Greta", "Hiro", "Ines", "Jonas",
    "Katya", "Liam", "Mei", "Nadia", "Oskar", "Priya", "Quentin", "Rosa", "Samir", "Tove",
    "Uma", "Viktor", "Wanda", "Ximena", "Yusuf", "Zoë",
)  # fmt: skip
LAST = (
    "Abara", "Brandt", "Costa", "Dvořák", "Eriksen", "Fontaine", "García", "Haddad", "Ito",
    "Jensen", "Kowalski", "Lindqvist", "Moreau", "Novak", "Okafor", "Petrov", "Quispe", "Rossi",
    "Silva", "Tanaka", "Ueda", "Varga", "Weiss", "Xu", "Yılmaz", "Zhang",
)  # fmt: skip
PROJECTS = ("Coastline", "Night Shift", "Spring Campaign", "Depot Move", "Field Season", "Handover")
VERBS = ("Inspect", "Restock", "Survey", "Evacuate", "Repair", "Deliver to", "Audit", "Map")
PLACES = (
    "the north pier", "depot 7", "the river gauge", "ward B", "the old quarry", "station Ålesund",
    "the lighthouse", "field camp 3", "the border crossing", "the cold store",
)  # fmt: skip
NOTES = (
    "Team on site", "Weather hold", "Supplies arrived", "Permit granted", "Road closed",
    "Handed over to the night shift", "Pump replaced", "First readings taken",
)  # fmt: skip
