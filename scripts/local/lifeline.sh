#!/bin/sh
# Runs a command for as long as standard input stays open:   lifeline.sh COMMAND [ARGUMENT …]
#
# The kernel closes that pipe when the program at its other end ends for any reason, including SIGKILL, so no process is
# left behind. This script must lead its own process group (Node: `detached`), because `kill 0` kills the whole group: the
# command and everything it started. The command keeps no state, so it gets only a second to shut down.
exec 3<&0 </dev/null

"$@" 3<&- &
command=$!

(
  cat <&3 >/dev/null
  kill -TERM "$command" 2>/dev/null
  sleep 1
  kill -KILL 0
) &

exec 3<&-
wait "$command"
kill -KILL 0
