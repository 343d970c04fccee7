#!/bin/sh
# crash-line.sh LOG: says in one line why the JVM that wrote LOG ended. A mapped file that is cut short
# while native code reads it ends the process with SIGBUS, which no program survives.
if grep -q SIGBUS "$1"; then
  echo "tpdiff: a file was cut short, or could not be read, while it was in use (details: $1); leave files as they are until the command has ended, then run it again" >&2
else
  echo "tpdiff: internal error: native code crashed (details: $1)" >&2
fi
