from hotswap_dev.cli.main import main

main()
