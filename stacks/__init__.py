"""What is deployed where: the stack file as a model, the checks of the host, and the whole system on one page."""
