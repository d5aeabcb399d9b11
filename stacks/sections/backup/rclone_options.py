"""The options of rclone's back ends: `rclone config providers` of 1.75, written by `python -m tests.rclone_table`, tested.

Which exist, which open something, and which name something of this host, which the keeper's container does not have.
A list, so that a stack is checked where there is no rclone.
"""

from __future__ import annotations

from components.messages import Message, message

COMMON = ("description",)
"""Every back end knows it, too."""
OAUTH = ("client_id", "client_secret!", "token!", "auth_url", "token_url", "client_credentials")
"""Written as +oauth below."""
# name*: rclone reads it in its obscured form (IsPassword). name!: whoever has it gets in. Both are secrets.
TABLE = """
local: nounc copy_links links skip_links skip_specials zero_size_links unicode_normalization no_check_updated
  one_file_system case_sensitive case_insensitive no_clone no_preallocate no_sparse no_set_modtime
  metadata_restore_special_bits fatal_if_no_space time_type hashes encoding
azureblob: account env_auth key! sas_url! connection_string! tenant client_id client_secret! client_certificate_path
  client_certificate_password* client_send_certificate_chain username password* service_principal_file
  disable_instance_discovery use_msi msi_object_id msi_client_id msi_mi_res_id use_emulator use_az endpoint
  upload_cutoff chunk_size upload_concurrency copy_cutoff copy_concurrency copy_total_concurrency use_copy_blob
  list_chunk use_arrow_list list_parallelism access_tier archive_tier_delete disable_checksum memory_pool_flush_time
  memory_pool_use_mmap encoding public_access directory_markers no_check_container no_head_object delete_snapshots
  decompress
azurefiles: account env_auth key! sas_url! connection_string! tenant client_id client_secret!
  client_certificate_path client_certificate_password* client_send_certificate_chain username password*
  service_principal_file disable_instance_discovery use_msi msi_object_id msi_client_id msi_mi_res_id use_emulator
  use_az endpoint share_name chunk_size upload_concurrency max_stream_size encoding
b2: account key! endpoint test_mode versions version_at hard_delete upload_cutoff copy_cutoff chunk_size
  upload_concurrency disable_checksum download_url download_auth_duration memory_pool_flush_time
  memory_pool_use_mmap lifecycle encoding sse_customer_algorithm sse_customer_key! sse_customer_key_base64!
  sse_customer_key_md5
box: root_folder_id box_config_file config_credentials! access_token! box_sub_type upload_cutoff commit_retries
  list_chunk owned_by impersonate encoding +oauth
cloudinary: cloud_name api_key! api_secret! upload_prefix upload_preset encoding eventually_consistent_delay
  adjust_media_files_extensions media_extensions
drime: access_token! root_folder_id workspace_id list_chunk hard_delete upload_cutoff chunk_size upload_concurrency
  encoding
drive: scope root_folder_id service_account_file service_account_credentials! team_drive auth_owner_only use_trash
  copy_shortcut_content skip_gdocs show_all_gdocs skip_checksum_gphotos shared_with_me trashed_only starred_only
  formats export_formats import_formats allow_import_name_change use_created_date use_shared_date list_chunk
  impersonate alternate_export upload_cutoff chunk_size acknowledge_abuse keep_revision_forever size_as_quota
  v2_download_min_size pacer_min_sleep pacer_burst server_side_across_configs disable_http2 stop_on_upload_limit
  stop_on_download_limit skip_shortcuts skip_dangling_shortcuts resource_key! fast_list_bug_fix metadata_owner
  metadata_permissions metadata_labels metadata_enforce_expansive_access encoding env_auth +oauth
dropbox: chunk_size impersonate impersonate_admin shared_files shared_folders skip_shared_folders
  skip_unowned_folders pacer_min_sleep encoding root_namespace export_formats skip_exports show_all_exports
  batch_mode batch_size batch_timeout batch_commit_timeout +oauth
fichier: api_key! shared_folder file_password* folder_password* cdn encoding
filefabric: url root_folder_id permanent_token! token! token_expiry version encoding
filelu: key! upload_cutoff chunk_size encoding
filen: email password* api_key* upload_concurrency encoding master_keys! private_key! public_key! auth_version
  base_folder_uuid
filescom: site username password* api_key! encoding
ftp: host user port pass* tls explicit_tls concurrency no_check_certificate disable_epsv disable_mlsd disable_utf8
  writing_mdtm force_list_hidden idle_timeout close_timeout tls_cache_size disable_tls13 allow_insecure_tls_ciphers
  shut_timeout ask_password socks_proxy http_proxy no_check_upload encoding
gcs: project_number user_project service_account_file service_account_credentials! access_token! anonymous
  object_acl bucket_acl bucket_policy_only location storage_class directory_markers no_check_bucket decompress
  endpoint encoding env_auth +oauth
gofile: access_token! root_folder_id account_id list_chunk encoding
hdfs: namenode username service_principal_name data_transfer_protection encoding
hidrive: scope_access scope_role root_prefix endpoint disable_fetching_member_count chunk_size upload_cutoff
  upload_concurrency encoding +oauth
huaweidrive: root_folder_id chunk_size list_chunk upload_cutoff encoding +oauth
iclouddrive: service apple_id password* trust_token! cookies! client_id encoding
internetarchive: access_key_id secret_access_key! endpoint front_endpoint item_metadata item_derive disable_checksum
  wait_archive encoding
internxt: email pass* mnemonic! skip_hash_validation upload_concurrency upload_cutoff chunk_size encoding
jottacloud: md5_memory_limit trashed_only hard_delete upload_resume_limit no_versions encoding +oauth
koofr: provider endpoint mountid setmtime user password* encoding
linkbox: token! email password* web_token!
mailru: user pass* speedup_enable speedup_file_patterns speedup_max_disk speedup_max_memory check_hash user_agent
  quirks encoding +oauth
mega: user pass* 2fa! session_id! master_key! debug hard_delete use_https encoding
netstorage: protocol host account secret*
onedrive: region upload_cutoff tenant_url chunk_size drive_id drive_type root_folder_id access_scopes tenant
  disable_site_permission expose_onenote_files server_side_across_configs list_chunk no_versions hard_delete
  link_scope link_type link_password! hash_type av_override delta metadata_permissions encoding +oauth
oos: provider namespace compartment region endpoint config_file config_profile storage_tier upload_cutoff chunk_size
  max_upload_parts upload_concurrency copy_cutoff copy_timeout disable_checksum encoding leave_parts_on_error
  attempt_resume_upload no_check_bucket sse_customer_key_file sse_customer_key! sse_customer_key_sha256
  sse_kms_key_id sse_customer_algorithm decompress
opendrive: username password* encoding chunk_size access
pcloud: encoding root_folder_id hostname username password* +oauth
pikpak: user pass* device_id user_agent root_folder_id use_trash trashed_only no_media_link hash_memory_limit
  upload_cutoff chunk_size upload_concurrency encoding
pixeldrain: api_key! root_folder_id api_url
premiumizeme: api_key! encoding +oauth
protondrive: username password* mailbox_password* 2fa! otp_secret_key* client_uid client_access_token!
  client_refresh_token! client_salted_key_pass! encoding original_file_size app_version replace_existing_draft
  enable_caching
putio: encoding +oauth
qingstor: env_auth access_key_id secret_access_key! endpoint zone connection_retries upload_cutoff chunk_size
  upload_concurrency encoding
quatrix: api_key! host encoding effective_upload_time minimal_chunk_size maximal_summary_chunk_size hard_delete
  skip_project_folders
s3: provider env_auth access_key_id secret_access_key! region endpoint location_constraint acl bucket_acl
  requester_pays server_side_encryption sse_customer_algorithm sse_kms_key_id sse_customer_key!
  sse_customer_key_base64! sse_customer_key_md5 storage_class upload_cutoff chunk_size max_upload_parts copy_cutoff
  disable_checksum shared_credentials_file profile session_token! role_arn role_session_name role_session_duration
  role_external_id upload_concurrency force_path_style v2_auth use_dual_stack use_accelerate_endpoint use_arn_region
  leave_parts_on_error list_chunk list_version list_url_encode no_check_bucket no_head no_head_object encoding
  memory_pool_flush_time memory_pool_use_mmap disable_http2 download_url directory_markers use_multipart_etag
  use_unsigned_payload use_presigned_request use_data_integrity_protections versions version_at version_deleted
  decompress might_gzip use_accept_encoding_gzip no_system_metadata sts_endpoint use_already_exists
  use_multipart_uploads list_versions_oldest_first use_x_id sign_accept_encoding directory_bucket sdk_log_mode
  ibm_api_key! ibm_resource_instance_id ibm_iam_endpoint object_lock_mode object_lock_retain_until_date
  object_lock_legal_hold_status bypass_governance_retention bucket_object_lock_enabled object_lock_set_after_upload
  object_lock_supported
seafile: url user pass* 2fa library library_key* create_library auth_token! encoding
sftp: host user port pass* key_pem! key_file key_file_pass* pubkey pubkey_file known_hosts_file pin_host_key
  host_keys key_use_agent use_insecure_cipher disable_hashcheck ask_password path_override encoding set_modtime
  shell_type hashes md5sum_command sha1sum_command crc32sum_command sha256sum_command blake3sum_command
  xxh3sum_command xxh128sum_command skip_links subsystem server_command use_fstat disable_concurrent_reads
  disable_concurrent_writes idle_timeout chunk_size concurrency connections set_env ciphers key_exchange macs
  host_key_algorithms ssh socks_proxy http_proxy copy_is_hardlink
shade: drive_id api_key! endpoint chunk_size upload_concurrency max_upload_parts token! token_expiry encoding
sharefile: upload_cutoff root_folder_id chunk_size endpoint encoding +oauth
sia: api_url api_password* user_agent encoding
smb: host user port pass* domain spn use_kerberos idle_timeout hide_special_share case_insensitive kerberos_ccache
  encoding
storj: provider access_grant! satellite_address api_key! passphrase!
sugarsync: app_id access_key_id private_access_key! hard_delete refresh_token! authorization! authorization_expiry
  user root_id deleted_id encoding
swift: env_auth user key! auth user_id domain tenant tenant_id tenant_domain region storage_url auth_token!
  application_credential_id application_credential_name application_credential_secret! auth_version endpoint_type
  leave_parts_on_error storage_policy fetch_until_empty_page partial_page_fetch_threshold chunk_size no_chunk
  no_large_objects use_segments_container encoding
ulozto: app_token! username password* root_folder_slug list_page_size encoding
webdav: url vendor user pass* bearer_token! bearer_token_command encoding headers! pacer_min_sleep
  nextcloud_chunk_size owncloud_exclude_shares owncloud_exclude_mounts unix_socket auth_redirect
yandex: hard_delete encoding spoof_ua upload_wait +oauth
zoho: region root_folder_id upload_cutoff tpslimit tpslimit_burst list_folder_limit list_folder_window
  list_folder_burst encoding +oauth
"""


def _read(table: str) -> dict[str, dict[str, str]]:
    """Return type → option → its mark, "" for none."""
    known: dict[str, dict[str, str]] = {}
    kind = ""
    for word in table.split():
        if word.endswith(":"):
            kind = word[:-1]
            known[kind] = dict.fromkeys(COMMON, "")
            continue
        for name in OAUTH if word == "+oauth" else (word,):
            known[kind][name.rstrip("*!")] = name[len(name.rstrip("*!")) :]
    return known


OPTIONS = _read(TABLE)
RCLONE_TYPES = tuple(OPTIONS)
"""`rclone help backends`, without those that wrap another remote, can only read or forget everything."""


def _instead(write: str) -> Message:
    return message("leave_out_write", "Leave it out and write {write}", write=write)


def _content(write: str) -> Message:
    return message("write_what_takes", "Write {write}, which takes what is in the file", write=write)


BY_SECRET = message("write_client_secret", "Write client_id and tenant, and `secrets: [client_secret]`")
WITHOUT_CERTIFICATE = message("leave_out_login", "Leave it out and write a login that needs no certificate")
# Options that name a file, a program or an agent of this host → what takes the content, or what to do instead.
HOST_ONLY = {
    "ask_password": _instead("`secrets: [pass]`"),
    "bearer_token_command": _instead("`secrets: [bearer_token]`"),
    "box_config_file": _content("`secrets: [config_credentials]`"),
    "ca_cert": message("leave_out_certificate", "Leave it out; the server needs a certificate that browsers know"),
    "client_cert": WITHOUT_CERTIFICATE,
    "client_certificate_path": BY_SECRET,
    "client_key": WITHOUT_CERTIFICATE,
    "config_file": message(
        "host_only_config_file", "Leave it out and write `type: s3`, which Oracle's storage speaks, too"
    ),
    "kerberos_ccache": message("host_only_kerberos_ccache", "Write user, and `secrets: [pass]`"),
    "key_file": _content("`secrets: [key_pem]`"),
    "key_use_agent": _instead("`secrets: [key_pem]`"),
    "known_hosts_file": message("host_only_known_hosts_file", "Write host_keys, which takes the keys themselves"),
    "pubkey_file": _content("pubkey"),
    "service_account_file": _content("`secrets: [service_account_credentials]`"),
    "service_principal_file": BY_SECRET,
    "shared_credentials_file": message(
        "host_only_shared_credentials_file", "Write access_key_id, and `secrets: [secret_access_key]`"
    ),
    "sse_customer_key_file": _content("`secrets: [sse_customer_key]`"),
    "ssh": message("host_only_ssh", "Leave it out: the keeper has no ssh program, rclone speaks for itself"),
    "unix_socket": _instead("url"),
    "use_az": message(
        "host_only_use_az", "Leave it out and write client_id and tenant, and `secrets: [client_secret]`"
    ),
    "use_kerberos": message("host_only_use_kerberos", "Leave it out and write user, and `secrets: [pass]`"),
}
# Contents of files: their line breaks are turned into what rclone takes on one line.
FILE_CONTENTS = ("config_credentials", "key_pem", "service_account_credentials", "token")
