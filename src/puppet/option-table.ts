// Written by scripts/options.mjs. The options that these releases know:
// puppet-5.5.0, puppet-5.5.22, puppet-6.0.0, puppet-6.29.0, puppet-7.0.0, puppet-7.34.0, puppet-8.10.0, openvox-7.37.2, openvox-8.19.0, openvox-8.31.2, openvox-9.2.1.
//
// Each line begins with the releases that know the names after it: a hexadecimal number whose bit N stands for release N of that
// list. A name is followed by `!` for a flag, `?` for an optional value and nothing for a value, then by its short form.

export const SETTINGS = `
7ff agent_catalog_run_lockfile agent_disabled_lockfile allow_duplicate_certs! always_retry_plugins! autoflush! autosign basemodulepath binder_config bucketdir ca_name ca_port ca_server ca_ttl cacert cacrl cadir cakey capub catalog_cache_terminus catalog_terminus cert_inventory certdir certificate_revocation certname classfile client_datadir clientbucketdir clientyamldir code codedir color confdir config config_file_name config_version csr_attributes csrdir daemonize!:D default_file_terminus default_manifest default_schedules! deviceconfig devicedir diff diff_args digest_algorithm disable_i18n! disable_per_environment_manifest! disable_warnings dns_alt_names document_all! environment:E environment_timeout environmentpath evaltrace! external_nodes factpath facts_terminus fileserverconfig filetimeout forge_authorization freeze_main! genconfig! genmanifest! graph! graphdir group hiera_config hostcert hostcrl hostcsr hostprivkey hostpubkey http_connect_timeout http_debug! http_keepalive_timeout http_proxy_host http_proxy_password http_proxy_port http_proxy_user http_read_timeout http_user_agent ignoremissingtypes! ignoreschedules! keylength lastrunfile lastrunreport ldapattrs ldapbase ldapclassattrs ldapparentattr ldappassword ldapport ldapserver ldapssl! ldapstackedattrs ldapstring ldaptls! ldapuser libdir localcacert localedest localesource log_level logdir manage_internal_file_permissions! manifest masterport max_deprecations max_errors max_warnings maximum_uid mkusers! module_groups module_repository module_working_dir modulepath name node_cache_terminus node_name_fact node_name_value node_terminus noop! onetime!:o passfile path pidfile plugindest pluginfactdest pluginfactsource pluginsignore pluginsource postrun_command preferred_serialization_format prerun_command preview_outputdir priority privatedir privatekeydir profile! publickeydir puppetdlog report! report_port report_server reportdir reports reporturl requestdir resourcefile rich_data! route_file rundir runinterval runtimeout serial server server_datadir server_list show_diff! signeddir skip_tags sourceaddress splay! splaylimit srv_domain ssl_client_header ssl_client_verify_header ssldir statedir statefile static_catalogs! storeconfigs! storeconfigs_backend strict strict_environment_mode! strict_variables! summarize! supported_checksum_types syslogfacility tags tasks! trace! transactionstorefile trusted_oid_mapping_file use_cached_catalog! use_srv_records! usecacheonfailure! user vardir waitforcert yamldir
7fc vendormoduledir
7fa ignore_plugin_errors! logdest no_proxy puppet_trace! resubmit_facts! statettl
7f8 ca_fingerprint crl_refresh_interval deviceconfdir http_extra_headers key_type maxwaitforcert maxwaitforlock merge_dependency_warnings! named_curve report_include_system_store! serverport ssl_lockfile ssl_trust_store trusted_external_command versioned_environment_dirs! waitforlock
7f0 publicdir settings_catalog!
7e8 ciphers location_trusted! use_last_environment! write_catalog_summary!
7e0 allow_pson_serialization! exclude_unchanged_resources! fact_name_length_soft_limit fact_value_length_soft_limit include_legacy_facts! number_of_facts_soft_limit payload_soft_limit preprocess_deferred! report_configured_environmentpath! skip_logging_catalog_request_destination! top_level_facts_soft_limit
740 ca_refresh_interval hostcert_renewal_interval
3ff configprint data_binding_terminus environment_data_provider
3fb pluginsync!
f future_features! node_name rest_authconfig ssl_client_ca_auth ssl_server_ca_auth
a strict_hostname_checking!
8 environment_timeout_mode facterng!
5 strict_hostname_checking
3 app_management! bindaddress ca! capass caprivatedir configtimeout ignorecache! masterhttplog module_skeleton_dir ordering trusted_server_facts!
`;

export const APPLY = `
7ff catalog:c debug!:d detailed-exitcodes! execute:e help!:h loadclasses!:L logdest:l parseonly! test!:t use-nodes! verbose!:v version!:V write-catalog-summary!
`;

export const AGENT = `
7ff debug!:d detailed-exitcodes! digest disable? enable! fingerprint! fqdn:f help!:h job-id logdest:l sourceaddress test!:t verbose!:v version!:V waitforcert:w
`;
