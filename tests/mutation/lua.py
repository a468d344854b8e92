"""The broker's operations, broken: each file of `jobs/broker/lua` at least once."""

from tests.mutation import Mutation

LUA = "jobs/broker/lua/"
BROKER = "tests/integration/jobs/broker/"
TESTS = tuple(
    f"{BROKER}test_{name}.py"
    for name in (
        *("enqueue", "fetch", "settle", "ack", "retry", "release", "heartbeat", "reap", "reclaim"),
        *("leave", "delay", "remove", "flush", "known", "depth", "depths", "totals", "control"),
        *("controls", "pages", "situation", "cut", "epoch", "model"),
    )
)


def broken(operation: str, how: str, old: str, new: str) -> Mutation:
    return Mutation(f"lua {operation}: {how}", f"{LUA}{operation}.lua", old, new, TESTS)


MUTATIONS = (
    broken("enqueue", "does not ask for the epoch", "not recovering and epoch_lost()", "false"),
    broken("enqueue", "puts a known message in line twice", '"HSETNX"', '"HSET"'),
    broken("enqueue", "charges the line of another", "touched[owner] = true", "touched.plain = 1"),
    broken("enqueue", "forgets the wake", "finish(touched, due_before)", "finish({})"),
    broken("enqueue", "forgets one that is leased", "then\n    mark(owner, id, at)", "then"),
    broken("enqueue", "marks plain messages, too", ' and owner ~= "plain"', ""),
    broken("enqueue", "delays nothing", "if at > now then", "if false then"),
    broken("fetch", "does not ask for the epoch", "if epoch_lost() then", "if false then"),
    broken("fetch", "charges nothing", "return charge\n", "return 0\n"),
    broken("fetch", "loses the remainder of a batch", "unpack(begun))", "begun[1], begun[2])"),
    broken("fetch", "keeps no lease", '  redis.call("HSET", leases, unpack(begun))\n', ""),
    broken("fetch", "counts no lease of the owner", "holding(owner).n + 1", "holding(owner).n"),
    broken("fetch", "takes no token", "take_tokens(owner, 1)", ""),
    broken("fetch", "forgets what is due", "\npromote()\n", "\n"),
    broken("fetch", "promotes to the wrong line", "ripe[i + 1], id)", "ripe[i + 1], owner)"),
    broken("fetch", "wakes nobody for the rest", "  signal()\n", ""),
    broken("fetch", "drops the tag of one that leaves", "      keep_tag(owner, turn.tag)\n", ""),
    broken("fetch", "lets one go on for ever", "is_before(turn, turns[place - 1])", "true"),
    broken("fetch", "serves each only once", "is_before(turn, turns[place - 1])", "false"),
    broken("fetch", "never forgets tags", '    redis.call("UNLINK", tags)\n', ""),
    broken("ack", "does not ask for the epoch", "if epoch_lost() then", "if false then"),
    broken("ack", "forgets the message's value not", "unpack(ids))", '"")'),
    broken("ack", "drops one that was enqueued again", "if at then", "if false then"),
    broken("ack", "frees no slot", "control_of(owner).limit > 0", "false"),
    broken("ack", "charges no run time", "ARGV[lease.number * 3 + 1]", '""'),
    broken("ack", "takes the run time of another", "lease.number * 3 + 1", "4"),
    broken("ack", "forgets the wake", "finish(touched, due_before)", "finish({})"),
    broken("retry", "forgets the delay", "now + tonumber(ARGV[first + 3])", "now"),
    broken("retry", "drops the new body", 'if body ~= "" then', "if false then"),
    broken("retry", "ignores that it was enqueued again", "wanted_again(lease.member) or at", "at"),
    broken("retry", "forgets the wake", "finish(touched, due_before)", "finish(touched)"),
    broken("release", "puts nobody back into the ring", "touched[lease.owner] = true", ""),
    broken("release", "does not ask for the epoch", "if epoch_lost() then", "if false then"),
    broken("reclaim", "gives back what is known", "not held[member] and ", ""),
    broken("reclaim", "gives back nothing", "  give_back(lease)\n", ""),
    broken("reap", "counts no lost lease", "(lost + 1) .. rest", "lost .. rest"),
    broken("reap", "takes from the living", '"-inf", now, "BYSCORE"', '"-inf", "+inf", "BYSCORE"'),
    broken("reap", "puts suspects to the front", "suspect and arrive() or ", ""),
    broken(
        "reap",
        "frees no slot",
        "  pay(lease, lease.started and price(owner, ran) or lease.charge)\n",
        "",
    ),
    broken("reap", "puts nobody back into the ring", "  touched[owner] = true\n", ""),
    broken(
        "reap",
        "forgets a consumer that holds more",
        '"EXISTS", leases) == 0',
        '"EXISTS", leases) >= 0',
    ),
    broken("heartbeat", "revives one that was reaped", "  return nil\n", ""),
    broken("heartbeat", "extends nothing", "now_us() + lease", "now_us()"),
    broken(
        "leave",
        "forgets one that holds messages",
        '"EXISTS", leases) == 1',
        '"EXISTS", leases) == 2',
    ),
    broken("leave", "wakes nobody", "  signal()\n", ""),
    broken("remove", "takes a leased one out", "if waited == 1 or", "if true or"),
    broken(
        "remove", "leaves the delayed", 'redis.call("ZREM", due, owner .. " " .. id) == 1', "false"
    ),
    broken(
        "remove",
        "lets a leased one come back",
        '  redis.call("ZREM", again, owner .. " " .. id)\n',
        "",
    ),
    broken(
        "remove", "leaves the owner in the ring", "waiting > 0 and { [owner] = true } or {}", "{}"
    ),
    broken("flush", "leaves the delayed", "if dropped < BUDGET then", "if false then"),
    broken("flush", "does not end its step", "if dropped == BUDGET then", "if false then"),
    broken("flush", "counts wrong", "waiting = waiting + #ids", "waiting = waiting"),
    broken("known", "does not see the message", '":messages", ARGV[i + 1]', '":messages", ARGV[i]'),
    broken("known", "asks for the queue of the first", "ARGV[i] .. suffix", "ARGV[2] .. suffix"),
    broken("pages", "tells the first page only", "found[1] }", '"0" }'),
    broken("pages", "names bodies", "found[2][i]", "found[2][i + 1]"),
    broken("depth", "asks for the wrong queue", '"ZCARD", owner .. suffix', '"ZCARD", suffix'),
    broken("depths", "begins every page anew", "+ 1\n", "* 0\n"),
    broken(
        "totals",
        "counts the delayed as waiting",
        'state_number("waiting")',
        'redis.call("ZCARD", due)',
    ),
    broken("control", "is not in force at once", "touched[owner] = true", ""),
    broken(
        "control", "keeps what was taken away", '"HDEL", controls, owner', '"HGET", controls, owner'
    ),
    broken("control", "does not ask for the epoch", "not recovering and epoch_lost()", "false"),
    broken("controls", "tells the first page only", "page[1])", '"0")'),
    broken("situation", "says leased of what waits", 'before and "waiting"', 'before and "leased"'),
    broken("situation", "counts the owners wrong", 'redis.call("ZSCORE", ring, owner) or', ""),
    broken(
        "include/lease", "drops the fence of a lease", 'stamp == "" or stamp == fetched', "true"
    ),
    broken(
        "include/lease",
        "lets anyone end a lease",
        "if ready and not",
        "ready = ready or 0\n    if not",
    ),
    broken("include/lease", "forgets the refund", "pay(lease, 0)", "pay(lease, lease.charge)"),
    broken("include/lease", "forgets the token's refund", "take_tokens(lease.owner, -1)", ""),
    broken("include/lease", "ignores the weight", "control_of(owner).weight", "1"),
    broken("include/lease", "corrects nobody in the ring", "held.more + more", "held.more"),
    broken("include/lease", "corrects nobody out of it", "held.tag + more", "held.tag"),
    broken("include/lease", "learns nothing", "learn(lease.kind, ran)", ""),
    broken(
        "include/line",
        "lets idling earn",
        "math.max(virtual_time(), number(tag) or 0)",
        "number(tag) or 0",
    ),
    broken(
        "include/line", "lets idling forgive", "  if tag > virtual_time() then", "  if false then"
    ),
    broken(
        "include/line",
        "sweeps tags too early",
        '"-inf", virtual_time(), "BYSCORE"',
        '"-inf", "+inf", "BYSCORE"',
    ),
    broken("include/line", "keeps no oldest", "scores[heads][owner] = head[2]", ""),
    broken(
        "include/line",
        "leaves a blocked owner in the ring",
        "elseif tag and not may",
        "elseif tag and false",
    ),
    broken(
        "include/line", "enters nobody at a freed slot", "if may and not tag then", "if false then"
    ),
    broken(
        "include/line",
        "forgets when a token comes",
        "    scores[resting][owner] = token_at",
        "",
    ),
    broken("include/line", "forgets a correction", "tag + holdings[owners[i]].more", "tag"),
    broken(
        "include/limits", "mixes up holdings", "holdings[unknown[i]] =", "holdings[unknown[1]] ="
    ),
    broken(
        "include/limits",
        "mixes up controls",
        "controls_read[unknown[i]] =",
        "controls_read[unknown[1]] =",
    ),
    broken(
        "include/limits", "mixes up buckets", "full_at[limited[i]] = ", "full_at[limited[1]] = "
    ),
    broken("include/limits", "lets nobody leave a set", '"ZREM", set', '"ZMSCORE", set'),
    broken("include/limits", "ignores a pause", "control.paused or", "false or"),
    broken(
        "include/limits",
        "lets one more than the limit",
        "holding(owner).n >= control.limit",
        "holding(owner).n > control.limit",
    ),
    broken("include/limits", "gives one token more", "(control.burst - 1)", "control.burst"),
    broken("include/group", "never wakes", '    redis.call("RPUSH", wake, 1)\n', ""),
)
