"""The daemon of one machine: sockets, processes, files and timers around the machines."""
