"""The command `zmqlab`, for who has no such script on the path: `python -m zmqlab`."""

from zmqlab.command import main

if __name__ == "__main__":
    main()
