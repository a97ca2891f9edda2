#include "server/grpc_call.h"
#include "server/grpc_services.h"

namespace bitbudget::server {

grpc::Status GrpcStudyService::CreateStudy(grpc::ServerContext* context,
                                           const v1::CreateStudyRequest* request,
                                           v1::Study* response) {
  return ServeUnary(gate_,
                    context,
                    "StudyService/CreateStudy",
                    CallKind::kWrite,
                    service_,
                    &StudyService::CreateStudy,
                    *request,
                    response);
}

grpc::Status GrpcStudyService::GetStudy(grpc::ServerContext* context,
                                        const v1::GetStudyRequest* request,
                                        v1::Study* response) {
  return ServeUnary(gate_,
                    context,
                    "StudyService/GetStudy",
                    CallKind::kRead,
                    service_,
                    &StudyService::GetStudy,
                    *request,
                    response);
}

grpc::Status GrpcStudyService::ListStudies(grpc::ServerContext* context,
                                           const v1::ListStudiesRequest* request,
                                           v1::ListStudiesResponse* response) {
  return ServeUnary(gate_,
                    context,
                    "StudyService/ListStudies",
                    CallKind::kRead,
                    service_,
                    &StudyService::ListStudies,
                    *request,
                    response);
}

grpc::Status GrpcStudyService::UpdateStudy(grpc::ServerContext* context,
                                           const v1::UpdateStudyRequest* request,
                                           v1::Study* response) {
  return ServeUnary(gate_,
                    context,
                    "StudyService/UpdateStudy",
                    CallKind::kWrite,
                    service_,
                    &StudyService::UpdateStudy,
                    *request,
                    response);
}

grpc::Status GrpcStudyService::DeleteStudy(grpc::ServerContext* context,
                                           const v1::DeleteStudyRequest* request,
                                           v1::DeleteStudyResponse* response) {
  return ServeUnary(gate_,
                    context,
                    "StudyService/DeleteStudy",
                    CallKind::kWrite,
                    service_,
                    &StudyService::DeleteStudy,
                    *request,
                    response);
}

grpc::Status GrpcStudyService::Backup(grpc::ServerContext* context,
                                      const v1::BackupRequest* request,
                                      v1::BackupResponse* response) {
  return ServeUnary(gate_,
                    context,
                    "StudyService/Backup",
                    CallKind::kWrite,
                    service_,
                    &StudyService::Backup,
                    *request,
                    response);
}

}  // namespace bitbudget::server
