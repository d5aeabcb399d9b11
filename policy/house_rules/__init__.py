"""The house rules, in the order in which docs/policy.md lists them."""

from house_rules import cloudflare, files, isolation, ports, secrets, upkeep
from house_rules.rule import Rule

RULES: tuple[Rule, ...] = (
    isolation.not_privileged,
    isolation.own_namespaces,
    isolation.no_docker_socket,
    isolation.least_capabilities,
    isolation.no_new_privileges,
    isolation.confined,
    upkeep.pinned_image,
    upkeep.log_rotation,
    upkeep.init_process,
    upkeep.comes_back,
    upkeep.memory_limit,
    upkeep.health_check,
    upkeep.time_to_stop,
    upkeep.name_is_free_first,
    ports.no_published_database,
    ports.ports_stay_here,
    files.binds_fail_closed,
    files.uploads_are_read_only,
    files.volumes_outlive_their_labels,
    files.database_network_is_internal,
    secrets.no_secret_in_clear,
    secrets.generated_secrets_stay_in_files,
    cloudflare.records_are_proxied,
    cloudflare.tunnel_ends_nowhere,
    cloudflare.origin_asks_for_the_login,
    cloudflare.login_names_who_may_enter,
    cloudflare.a_login_before_every_name,
)
