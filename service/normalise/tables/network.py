"""IP protocols, TCP flags, paths of AWS traffic."""

# In the order of their numbers from 0; lower case, as ECS writes network.transport.
_PROTOCOLS = """
hopopt icmp igmp ggp ipv4 st tcp cbt egp igp bbn-rcc-mon nvp-ii pup argus emcon xnet chaos udp mux dcn-meas hmp prm
xns-idp trunk-1 trunk-2 leaf-1 leaf-2 rdp irtp iso-tp4 netblt mfe-nsp merit-inp dccp 3pc idpr xtp ddp idpr-cmtp tp++ il
ipv6 sdrp ipv6-route ipv6-frag idrp rsvp gre dsr bna esp ah i-nlsp swipe narp min-ipv4 tlsp skip ipv6-icmp ipv6-nonxt
ipv6-opts any-host-internal cftp any-local-network sat-expak kryptolan rvd ippc any-distributed-file-system sat-mon visa
ipcv cpnx cphb wsn pvp br-sat-mon sun-nd wb-mon wb-expak iso-ip vmtp secure-vmtp vines iptm nsfnet-igp dgp tcf eigrp
ospf sprite-rpc larp mtp ax.25 ipip micp scc-sp etherip encap any-private-encryption gmtp ifmp pnni pim aris scps qnx
a/n ipcomp snp compaq-peer ipx-in-ip vrrp pgm any-0-hop l2tp ddx iatp stp srp uti smp sm ptp isis-over-ipv4 fire crtp
crudp sscopmce iplt sps pipe sctp fc rsvp-e2e-ignore mobility-header udplite mpls-in-ip manet hip shim6 wesp rohc
ethernet aggfrag nsh
"""

IANA_PROTOCOLS: dict[str, str] = {
    **{str(number): name for number, name in enumerate(_PROTOCOLS.split())},
    "253": "experimental-253",
    "254": "experimental-254",
    "255": "reserved",
}
"""IP protocol number → name. 146 to 252 are unassigned and have none."""

TCP_FLAGS: dict[str, str] = {
    "1": "fin",
    "2": "syn",
    "4": "rst",
    "8": "psh",
    "16": "ack",
    "32": "urg",
    "64": "ece",
    "128": "cwr",
}
"""One bit → its word; the step ``tcp_flags`` takes a mask apart."""

VPC_TRAFFIC_PATH: dict[str, str] = {
    "1": "same_vpc",
    "2": "internet_gateway_or_gateway_endpoint",
    "3": "virtual_private_gateway",
    "4": "intra_region_vpc_peering",
    "5": "inter_region_vpc_peering",
    "6": "local_gateway",
    "7": "gateway_vpc_endpoint",
    "8": "internet_gateway",
}
"""``traffic-path`` of egress traffic in VPC flow logs."""
