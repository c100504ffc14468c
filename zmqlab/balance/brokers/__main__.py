"""The broker of a published contract as a command: `python -m zmqlab.balance.brokers ENDPOINT`."""

from .majordomo import main

main()
